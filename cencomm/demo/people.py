"""The invented people of the demo. Data only. The first ones have passwords and a second factor."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "harmattan blows from the desert"  # noqa: S105  (invented people on one machine)

ADMINISTRATIONS = {
    # Country, name, kind, region.
    "NG": ("NG", "Nigeria Customs Service", "customs", "WCA"),
    "CI": ("CI", "Direction générale des Douanes de Côte d’Ivoire", "customs", "WCA"),
    "GH": ("GH", "Ghana Revenue Authority, Customs Division", "customs", "WCA"),
    "SN": ("SN", "Direction générale des Douanes du Sénégal", "customs", "WCA"),
    "TG": ("TG", "Office togolais des recettes, Douanes", "customs", "WCA"),
    "BJ": ("BJ", "Direction générale des Douanes du Bénin", "customs", "WCA"),
    "NE": ("NE", "Direction générale des Douanes du Niger", "customs", "WCA"),
    "CV": ("CV", "Direção das Alfândegas de Cabo Verde", "customs", "WCA"),
    "MA": ("MA", "إدارة الجمارك والضرائب غير المباشرة", "customs", "MED"),
    "BE": ("BE", "Administration générale des Douanes et Accises", "customs", "EUR"),
    "FR": ("FR", "Direction générale des douanes et droits indirects", "customs", "EUR"),
    "ES": ("ES", "Agencia Tributaria, Vigilancia Aduanera", "customs", "EUR"),
    "TG-PCU": ("TG", "Unité mixte de contrôle des conteneurs, Lomé", "port_control", "WCA"),
    "RILO": ("SN", "Regional Intelligence Liaison Office", "international", "WCA"),
}
REGIONS = {
    "WCA": "West and Central Africa",
    "MED": "North of Africa, Near and Middle East",
    "EUR": "Europe",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo: `role` in HARMATTAN III, empty for who is not in it."""

    key: str
    name: str
    administration: str
    role: str
    language: str
    time_zone: str
    signs_in: bool = False
    contact_point: bool = False
    administrator: bool = False


PEOPLE = (
    Person("amina", "Amina Danladi", "NG", "coordinator", "en", "Africa/Lagos", signs_in=True),
    Person("chloe", "Chloé Traoré", "FR", "analyst", "fr", "Europe/Paris", signs_in=True),
    Person(
        "bruno", "Bruno Kouassi", "CI", "contact_point", "fr", "Africa/Abidjan", signs_in=True, contact_point=True
    ),
    Person("fatou", "Fatou Koné", "CI", "officer", "fr", "Africa/Abidjan", signs_in=True),
    Person("dmitri", "Dmitri Peeters", "BE", "officer", "en", "Europe/Brussels", signs_in=True),
    Person("olga", "Olga Marchetti", "RILO", "observer", "en", "Africa/Dakar", signs_in=True),
    Person("eve", "Eve Adeyemi", "NG", "", "en", "Africa/Lagos", signs_in=True),
    Person("padma", "Padma Iyer", "BE", "", "en", "Europe/Brussels", signs_in=True, administrator=True),
    Person("audrey", "Audrey Lambert", "FR", "auditor", "fr", "Europe/Paris", signs_in=True),
    Person("bello", "Farouk Bello", "NG", "contact_point", "en", "Africa/Lagos", contact_point=True),
    Person("peeters", "Joke Peeters", "BE", "contact_point", "en", "Europe/Brussels", contact_point=True),
    Person("mensah", "Kwesi Mensah", "GH", "contact_point", "en", "Africa/Accra", contact_point=True),
    Person("diop", "Awa Diop", "SN", "contact_point", "fr", "Africa/Dakar", contact_point=True),
    Person("lawson", "Essi Lawson", "TG", "contact_point", "fr", "Africa/Lome", contact_point=True),
    Person("agbo", "Prosper Agbo", "BJ", "contact_point", "fr", "Africa/Porto-Novo", contact_point=True),
    Person("maiga", "Ibrahim Maïga", "NE", "contact_point", "fr", "Africa/Niamey", contact_point=True),
    Person("tavares", "Rui Tavares", "CV", "contact_point", "en", "Atlantic/Cape_Verde", contact_point=True),
    Person("alaoui", "Youssef Alaoui", "MA", "contact_point", "fr", "Africa/Casablanca", contact_point=True),
    Person("ferrer", "Lucía Ferrer", "ES", "contact_point", "en", "Europe/Madrid", contact_point=True),
    Person("morel", "Hélène Morel", "FR", "contact_point", "fr", "Europe/Paris", contact_point=True),
    Person("okafor", "Ngozi Okafor", "NG", "officer", "en", "Africa/Lagos"),
    Person("asante", "Adjoa Asante", "GH", "officer", "en", "Africa/Accra"),
    Person("togbe", "Komlan Togbé", "TG-PCU", "officer", "fr", "Africa/Lome"),
    Person("garcia", "Álvaro García", "ES", "officer", "en", "Europe/Madrid"),
)
