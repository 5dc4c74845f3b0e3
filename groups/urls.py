"""Addresses of groups. The group's own page (`/groups/<uuid>/`, the console) belongs to messaging."""

from django.urls import path

from groups.views import administration, lifecycle, members, mine, nominal, recovery, trail

app_name = "groups"
urlpatterns = [
    path("groups/", mine.mine, name="mine"),
    path("groups/<uuid:group_id>/members/", members.members, name="members"),
    path("groups/<uuid:group_id>/members/add/", members.add, name="add_member"),
    path("groups/<uuid:group_id>/members/leave/", members.leave, name="leave"),
    path("groups/<uuid:group_id>/members/<uuid:member_id>/", members.member, name="member"),
    path("groups/<uuid:group_id>/members/<uuid:member_id>/remove/", members.remove, name="remove_member"),
    path("groups/<uuid:group_id>/members/<uuid:member_id>/invitation/", members.invite_again, name="invite_again"),
    path("groups/<uuid:group_id>/recovery/", recovery.recoveries, name="recoveries"),
    path("groups/<uuid:group_id>/recovery/open/", recovery.open_recovery, name="open_recovery"),
    path(
        "groups/<uuid:group_id>/recovery/<uuid:recovery_id>/confirm/",
        recovery.confirm_recovery,
        name="confirm_recovery",
    ),
    path("groups/<uuid:group_id>/recovery/<uuid:recovery_id>/link/", recovery.draw_recovery, name="draw_recovery"),
    path(
        "groups/<uuid:group_id>/recovery/<uuid:recovery_id>/withdraw/",
        recovery.withdraw_recovery,
        name="withdraw_recovery",
    ),
    path("groups/<uuid:group_id>/phases/", lifecycle.phases, name="phases"),
    path("groups/<uuid:group_id>/phases/move/", lifecycle.move, name="move_phase"),
    path("groups/<uuid:group_id>/settings/", lifecycle.settings, name="settings"),
    path("groups/<uuid:group_id>/settings/nominal/", nominal.nominal, name="nominal"),
    path("groups/<uuid:group_id>/settings/countries/", lifecycle.add_country, name="add_country"),
    path(
        "groups/<uuid:group_id>/settings/countries/<str:country>/remove/",
        lifecycle.remove_country,
        name="remove_country",
    ),
    path(
        "groups/<uuid:group_id>/settings/countries/<str:country>/contact-point/",
        lifecycle.contact_point,
        name="set_contact_point",
    ),
    path("groups/<uuid:group_id>/audit/", trail.trail, name="trail"),
    path("groups/<uuid:group_id>/audit/<int:entry>/proof/", trail.proof, name="trail_proof"),
    path("administration/audit/", trail.accounts_trail, name="accounts_trail"),
    path("administration/audit/<int:entry>/proof/", trail.accounts_proof, name="accounts_trail_proof"),
    path("administration/groups/", administration.groups, name="administration"),
    path("administration/groups/new/", administration.create, name="create"),
]
