"""What was published stays: triggers refuse every change but retirement, and every removal, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION form_template_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'published' AND NEW.state = 'retired'
        AND (to_jsonb(NEW) - 'state' - 'retired_at') = (to_jsonb(OLD) - 'state' - 'retired_at') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published form template is immutable' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER form_template_keep BEFORE UPDATE OR DELETE ON simplified_forms_formtemplate
    FOR EACH ROW EXECUTE FUNCTION form_template_keep();
"""
BACKWARD = """
DROP TRIGGER form_template_keep ON simplified_forms_formtemplate;
DROP FUNCTION form_template_keep();
"""


class Migration(migrations.Migration):
    dependencies = [("simplified_forms", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
