"""Addresses of transfers: of one group, and of the mapping that all groups share."""

from django.urls import path

from exports.views import mapping, review, sending

app_name = "exports"
urlpatterns = [
    path("groups/<uuid:group_id>/transfer/", review.transfer, name="transfer"),
    path("groups/<uuid:group_id>/transfer/record/<uuid:message_id>/", review.record, name="record"),
    path("groups/<uuid:group_id>/transfer/resolve/<uuid:message_id>/", review.resolve, name="resolve"),
    path("groups/<uuid:group_id>/transfer/confirm/", sending.confirm, name="confirm"),
    path("groups/<uuid:group_id>/transfer/start/", sending.start, name="start"),
    path("groups/<uuid:group_id>/transfer/batches/<uuid:batch_id>/", sending.batch, name="batch"),
    path("groups/<uuid:group_id>/transfer/again/<uuid:transfer_id>/", sending.again, name="again"),
    path("groups/<uuid:group_id>/transfer/automatic/", sending.automatic, name="automatic"),
    path("groups/<uuid:group_id>/transfer/reconciliation/", sending.reconciliation, name="reconciliation"),
    path("administration/mapping/", mapping.mapping, name="mapping"),
]
