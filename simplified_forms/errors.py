"""The refusals of forms and templates. The docstring is the sentence that a user reads."""

from problems import Refusal


class NoTemplate(Refusal):
    """This group has no form for this kind of message in force."""

    code = "no_template"
    status = 409


class TemplateUnknown(Refusal):
    """There is no such form in this group."""

    code = "not_found"
    status = 404


class BadTemplate(Refusal):
    """This form cannot be kept as it is: see what is said at its fields."""

    code = "bad_template"
    status = 422


class NothingToPublish(Refusal):
    """There is no draft to publish: someone has published or discarded it meanwhile."""

    code = "nothing_to_publish"
    status = 409


class DraftMoved(Refusal):
    """Someone else changed this draft after you opened it: load it again before you change it."""

    code = "draft_moved"
    status = 409
