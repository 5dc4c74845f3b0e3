"""What was said in the first three days of HARMATTAN III, as data. Everything is invented.

Times are minutes before now (`ago`), so that the operation is always in its third day; `due` is minutes from now,
negative when overdue. `acks`: who acknowledged, and how many minutes later. `moves`: status moves of a seizure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DAY = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of the script; `key` names it for replies and corrections."""

    ago: float
    who: str
    kind: str
    body: Mapping[str, Any]
    key: str = ""
    subject: str = ""
    language: str = "en"
    priority: str = "routine"
    to: Sequence[str] = ()
    due: float | None = None
    reply: str = ""
    corrects: str = ""
    grading: tuple[str, str] | None = None
    handling: str = "AMBER"
    acks: Mapping[str, float] = field(default_factory=dict)
    moves: Sequence[tuple[str, str, float, str]] = ()


def _day(ago: float) -> str:
    """A placeholder for the date `ago` minutes before now; the loader fills it in."""
    return f"@{ago}"


FIRST_DAY = (
    Line(ago=2 * DAY + 110, who="amina", kind="administrative", subject="HARMATTAN III is operational",
         body={"text": "Good morning to all. The watch runs from 06:00 to 06:00 UTC. Warnings go to the country that can act, "
               "with a due time; feedback within that time, also when nothing was found. Report every seizure on the form, "
               "the same day. Send a nil return when there is nothing: silence is not a report.\nWatch tonight: Chloé and me."},
         acks={"chloe": 2, "bruno": 6, "fatou": 14, "bello": 4, "peeters": 9, "mensah": 12, "diop": 21, "lawson": 33,
               "agbo": 18, "tavares": 40, "alaoui": 25, "ferrer": 11, "morel": 8, "maiga": 95}),
    Line(ago=2 * DAY + 95, who="bruno", kind="note", language="fr",
         body={"text": "Abidjan en ligne. Deux équipes au port, une à l’aéroport, scanner du terminal T2 disponible jusqu’à 22 h."}),
    Line(ago=2 * DAY + 88, who="ferrer", kind="note", language="es",
         body={"text": "Algeciras y Las Palmas conectados. Vigilamos los contenedores frigoríficos con destino Tema y Lomé."}),
    Line(ago=2 * DAY + 60, who="peeters", kind="warning", key="w1", priority="priority", to=("CI",), due=-(2 * DAY - 300),
         subject="TGBU 558143-3, “used machine parts”, Antwerp → Abidjan",
         grading=("B", "2"),
         body={"target": "CTN", "requested_action": ["SCN", "INS"], "container": "TGBU5581433", "conveyance": "SEA",
               "commodity": "TOB.cigarettes_cheap_white", "departure_country": "BE", "destination_country": "CI",
               "departure_place": "BEANR", "destination_place": "CIABJ", "packages": 412,
               "risk_indicators": ["WGT", "NEW", "PAY"],
               "text": "Declared mass does not fit machine parts. First export of this supply chain, freight paid by a third party."},
         acks={"bruno": 7, "fatou": 12}),
    Line(ago=2 * DAY - 130, who="bruno", kind="feedback", key="f1", reply="w1", language="fr",
         body={"outcome": "SZR", "controls": ["SCN", "FUL"], "usefulness": 5,
               "text": "Scanner : masse homogène derrière trois rangs de pièces. Visite intégrale en cours, cigarettes visibles."}),
    Line(ago=2 * DAY - 190, who="fatou", kind="seizure", key="s1", reply="w1", language="fr",
         subject="Cigarettes, 4 280 000 pièces, conteneur, Abidjan",
         body={"date": _day(2 * DAY - 190), "country": "CI", "place": "CIABJ", "location_type": "SPT", "direction": "IMP",
               "conveyance": "SEA", "commodity": "TOB.cigarettes_cheap_white",
               "quantity": {"value": "4280000", "unit": "H87"}, "departure_country": "BE", "destination_country": "CI",
               "detection": ["XRY", "PHY"], "warning": "@w1",
               "description": "cigarettes sans timbre derrière des pièces détachées"},
         moves=(("bruno", "validated_ncp", 35, ""), ("chloe", "validated_ocu", 80, ""))),
    Line(ago=2 * DAY - 240, who="diop", kind="note", language="fr",
         body={"text": "Dakar : vedette de retour au port, rien à signaler sur la zone nord. Prochaine sortie à 16 h."}),
    Line(ago=2 * DAY - 300, who="chloe", kind="warning", key="w2", priority="priority", to=("GH", "TG"), due=-(2 * DAY - 1300),
         subject="Six express parcels “vitamins”, Mumbai → Accra and Lomé via Addis Ababa", grading=("C", "3"),
         body={"target": "PCL", "requested_action": ["INS", "SMP"], "conveyance": "EXP", "commodity": "DRG.tramadol",
               "departure_country": "IN", "transit_countries": ["ET"], "destination_country": "GH", "packages": 6,
               "risk_indicators": ["GDS", "VAL", "ADR"],
               "text": "Same packing as in the bulletin on blister strips without a marketing licence."},
         acks={"mensah": 15, "lawson": 48}),
    Line(ago=2 * DAY - 470, who="asante", kind="feedback", reply="w2",
         body={"outcome": "SZR", "controls": ["DOC", "FUL"], "usefulness": 4, "text": "Two of the six at the hub, both positive."}),
    Line(ago=2 * DAY - 500, who="asante", kind="seizure", key="s2", reply="w2",
         body={"date": _day(2 * DAY - 500), "country": "GH", "place": "GHACC", "location_type": "ACC", "direction": "IMP",
               "conveyance": "EXP", "commodity": "DRG.tramadol", "quantity": {"value": "38400", "unit": "H87"},
               "departure_country": "IN", "destination_country": "GH", "detection": ["DOC", "PHY"], "warning": "@w2",
               "description": "tramadol 225 mg in strips of ten", "cases": 2},
         moves=(("mensah", "validated_ncp", 25, ""), ("amina", "validated_ocu", 61, ""))),
    Line(ago=2 * DAY - 620, who="alaoui", kind="note", language="ar",
         body={"text": "ميناء طنجة المتوسط: المراقبة جارية، لا شيء يذكر إلى حدود الساعة. سنرسل صور الماسح عند الحاجة."}),
    Line(ago=2 * DAY - 700, who="lawson", kind="feedback", reply="w2", language="fr",
         body={"outcome": "NTH", "controls": ["DOC", "SCN"], "usefulness": 3,
               "text": "Quatre colis contrôlés, compléments alimentaires conformes. Échantillon conservé."}),
    Line(ago=2 * DAY - 800, who="maiga", kind="nil", language="fr",
         body={"day": _day(2 * DAY - 800), "controls_made": 14, "targets_controlled": 0}),
    Line(ago=2 * DAY - 820, who="tavares", kind="nil", language="pt",
         body={"day": _day(2 * DAY - 820), "controls_made": 6, "targets_controlled": 0, "text": "Praia e Mindelo sem ocorrências."}),
    Line(ago=2 * DAY - 1150, who="amina", kind="sitrep", key="sit1", subject="Situation report, day 1",
         body={"day": _day(2 * DAY - 800), "warnings_sent": 2, "warnings_open": 0, "warnings_overdue": 0, "feedback_received": 3,
               "seizures_reported": 2, "cases_reported": 3, "nil_returns": 2,
               "countries_reporting": ["BE", "CI", "ES", "FR", "GH", "MA", "SN", "TG"], "countries_silent": ["BJ"],
               "narrative": "A quick start: the first warning led to 4.28 million cigarettes in Abidjan within twenty hours. "
               "Two of six express parcels held tramadol. Benin has not reported yet; Chloé is in touch with Cotonou.",
               "tasks": "Watch reefers out of Algeciras. Shipper history for the Lomé consignments."},
         acks={"chloe": 4, "bruno": 12, "bello": 9, "peeters": 22, "mensah": 17, "ferrer": 30, "morel": 26, "diop": 44}),
)  # fmt: skip

SECOND_DAY = (
    Line(ago=DAY + 90, who="chloe", kind="bulletin", key="alr1", language="en", subject="Tablets behind the reefer’s evaporator panel",
         priority="priority",
         body={"modus_operandi": "Three reefers since September, all 40 foot high cube: the evaporator panel was taken out and riveted back "
               "with aluminium rivets of another head. Tablets lie in vacuum bags between the fan housing and the wall. The unit cools, "
               "but draws some 15 % more current than its sisters. Look for bright rivets and fresh sealant on the left side.",
               "risk_indicators": ["MOD", "RFR", "IMG"], "commodity": "DRG.tramadol", "conveyance": "SEA", "concealment": "COR",
               "departure_country": "IN", "destination_country": "NG"},
         acks={"amina": 3, "bello": 14, "okafor": 20, "mensah": 31, "lawson": 44, "bruno": 9, "ferrer": 52}),
    Line(ago=DAY + 40, who="okafor", kind="movement", subject="MV ATLANTIC PETREL arrived Apapa",
         body={"event": "ARR", "occurred_at": _day(DAY + 55), "conveyance": "SEA", "conveyance_identity": "ATLANTIC PETREL",
               "imo_number": "9074729", "place": "NGAPP", "country": "NG"}),
    Line(ago=DAY + 10, who="amina", kind="warning", key="w3", priority="immediate", to=("NG",), due=-(DAY - 200),
         subject="MSCU 412802-2, reefer “frozen mackerel”, Nhava Sheva → Apapa", grading=("B", "1"),
         body={"target": "CTN", "requested_action": ["HLD", "SCN", "INS"], "container": "MSCU4128022", "conveyance": "SEA",
               "commodity": "DRG.tramadol", "departure_country": "IN", "transit_countries": ["AE"], "destination_country": "NG",
               "departure_place": "INNSA", "destination_place": "NGAPP", "risk_indicators": ["RFR", "CHG", "IMG"],
               "conveyance_identity": "ATLANTIC PETREL", "voyage": "AP217W",
               "text": "Same builder’s plate series as the reefers of bulletin 1. Seal changed in Jebel Ali."},
         acks={"bello": 2, "okafor": 3}),
    Line(ago=DAY - 45, who="bello", kind="feedback", reply="w3",
         body={"outcome": "PEN", "controls": ["DOC", "SCN"], "text": "Held on the quay. Scan shows a dense band along the left wall. Opening at first light."}),
    Line(ago=DAY - 150, who="ferrer", kind="warning", key="w4", to=("MA", "SN"), due=-(DAY - 700), language="es",
         subject="Yate “Brisa Norte”, Las Palmas → Dakar, cambio de bandera reciente", grading=("C", "3"),
         body={"target": "VES", "requested_action": ["SRT", "DSV"], "conveyance": "SEA", "departure_country": "ES",
               "destination_country": "SN", "risk_indicators": ["FLG", "AIS", "STP"],
               "text": "Señal AIS apagada durante nueve horas al oeste de Nuadibú. Tripulación de cuatro, sin escala declarada."},
         acks={"alaoui": 22, "diop": 35}),
    Line(ago=DAY - 260, who="diop", kind="feedback", reply="w4", language="fr",
         body={"outcome": "NAR", "controls": ["SUR"], "usefulness": 3,
               "text": "Pas vu à l’arrivée. Surveillance maintenue entre Saint-Louis et Dakar jusqu’à demain midi."}),
    Line(ago=DAY - 330, who="bello", kind="seizure", key="s3", reply="w3", subject="Tramadol, 1 240 000 tablets, reefer, Apapa",
         body={"date": _day(DAY - 330), "country": "NG", "place": "NGAPP", "location_type": "SPT", "direction": "IMP", "conveyance": "SEA",
               "commodity": "DRG.tramadol", "quantity": {"value": "1240000", "unit": "H87"}, "departure_country": "IN",
               "destination_country": "NG", "detection": ["XRY", "PHY"], "warning": "@w3",
               "description": "tramadol 225 mg in vacuum bags behind the evaporator panel"},
         moves=(("amina", "validated_ocu", 40, ""),)),
    Line(ago=DAY - 335, who="bello", kind="feedback", reply="w3",
         body={"outcome": "SZR", "controls": ["FUL"], "usefulness": 5, "text": "Exactly as in the bulletin: bright rivets, left side."}),
    Line(ago=DAY - 380, who="garcia", kind="seizure", key="s4", language="es", subject="Resina de cannabis, 86,4 kg, camión, Algeciras",
         body={"date": _day(DAY - 380), "country": "ES", "place": "ESALG", "location_type": "SPT", "direction": "IMP", "conveyance": "ROA",
               "commodity": "DRG.cannabis_resin", "quantity": {"value": "86.4", "unit": "KGM"}, "departure_country": "MA",
               "destination_country": "FR", "detection": ["DOG"], "description": "pastillas en doble suelo del remolque"},
         moves=(("ferrer", "validated_ncp", 30, ""), ("chloe", "validated_ocu", 90, ""))),
    Line(ago=DAY - 420, who="togbe", kind="seizure", key="s5", language="fr", subject="Écailles de pangolin, 212 kg, conteneur, Lomé",
         body={"date": _day(DAY - 420), "country": "TG", "place": "TGLFW", "location_type": "SPT", "direction": "EXP", "conveyance": "SEA",
               "commodity": "CIT.pangolin_scales", "quantity": {"value": "212", "unit": "KGM"}, "departure_country": "TG",
               "destination_country": "VN", "detection": ["XRY", "PHY"], "description": "sous des noix de cajou, quatorze sacs"},
         moves=(("lawson", "validated_ncp", 50, ""), ("chloe", "validated_ocu", 130, ""))),
    Line(ago=DAY - 500, who="mensah", kind="request", key="r1", to=("BE",), due=-(DAY - 800), subject="Shipper history for GHCU 229100-6 wanted",
         body={"question": "Has the supply chain of GHCU 229100-6 shipped to Tema before, and with which goods? We hold it until an answer."},
         acks={"peeters": 16}),
    Line(ago=DAY - 640, who="dmitri", kind="reply", reply="r1",
         body={"answer": "Seven exports in eleven months, all “ceramic tiles”, mass between 21 and 26 tonnes. The three before the last were "
               "never collected from the terminal within thirty days. Nothing else known here."}),
    Line(ago=DAY - 700, who="morel", kind="seizure", key="s6", language="fr", subject="Devises, 148 500 EUR, voyageur, Roissy",
         body={"date": _day(DAY - 700), "country": "FR", "place": "FRCDG", "location_type": "APT", "direction": "EXP", "conveyance": "AIR",
               "commodity": "CUR.banknotes", "quantity": {"value": "148500", "unit": "H87"}, "departure_country": "FR",
               "destination_country": "TG", "detection": ["DOG", "PHY"], "description": "coupures de 50 et 100, double fond de valise"},
         moves=(("morel", "validated_ncp", 20, ""), ("amina", "returned", 75,
                "The quantity counts notes or euros? Give the value with its currency, or the number of notes."),)),
    Line(ago=DAY - 820, who="maiga", kind="nil", language="fr", body={"day": _day(DAY - 820), "controls_made": 22, "targets_controlled": 1}),
    Line(ago=DAY - 1000, who="okafor", kind="seizure", key="s7", subject="Pistols, 24 pieces, general cargo, Onne",
         body={"date": _day(DAY - 1000), "country": "NG", "place": "NGONN", "location_type": "SPT", "direction": "IMP", "conveyance": "SEA",
               "commodity": "WEA.converted", "quantity": {"value": "24", "unit": "H87"}, "departure_country": "TR",
               "destination_country": "NG", "detection": ["XRY"], "description": "converted blank pistols in generator housings"},
         moves=(("bello", "validated_ncp", 45, ""), ("amina", "validated_ocu", 110, ""))),
    Line(ago=DAY - 1060, who="asante", kind="seizure", key="s8", subject="Tramadol, 38 000 tablets, express parcels, Accra",
         body={"date": _day(2 * DAY - 500), "country": "GH", "place": "GHACC", "location_type": "ACC", "direction": "IMP", "conveyance": "EXP",
               "commodity": "DRG.tramadol", "quantity": {"value": "38000", "unit": "H87"}, "departure_country": "IN",
               "destination_country": "GH", "detection": ["PHY"], "description": "weighed again at the laboratory"},
         moves=(("mensah", "validated_ncp", 30, ""), ("chloe", "validated_ocu", 70, ""))),
    Line(ago=DAY - 1190, who="amina", kind="sitrep", key="sit2", subject="Situation report, day 2",
         body={"day": _day(DAY - 820), "warnings_sent": 2, "warnings_open": 1, "warnings_overdue": 0, "feedback_received": 4,
               "seizures_reported": 6, "cases_reported": 6, "nil_returns": 1,
               "countries_reporting": ["BE", "ES", "FR", "GH", "MA", "NG", "SN", "TG"], "countries_silent": ["BJ", "CV"],
               "narrative": "The reefer of warning 3 held 1.24 million tablets, concealed exactly as bulletin 1 described. Pangolin scales in Lomé, "
               "bound for Viet Nam. The yacht of warning 4 is still unseen.",
               "tasks": "Find the yacht. Answer Tema on GHCU 229100-6. Cotonou has not reported for two days."},
         acks={"chloe": 6, "bello": 15, "peeters": 11, "morel": 33, "bruno": 20}),
)  # fmt: skip

THIRD_DAY = (
    Line(ago=228, who="fatou", kind="note", language="fr", body={"text": "Contrôle du quai 4 terminé, RAS. L’équipe passe au terminal T2."}),
    Line(ago=204, who="peeters", kind="warning", key="w5", priority="priority", to=("GH", "TG"), due=48,
         subject="MSCU 412779-3, “ceramic tiles”, Antwerp → Tema", grading=("B", "2"),
         body={"target": "CTN", "requested_action": ["SCN", "INS"], "container": "MSCU4127793", "conveyance": "SEA",
               "commodity": "DRG.cocaine", "departure_country": "BE", "destination_country": "GH", "departure_place": "BEANR",
               "destination_place": "GHTEM", "arrives_at": "@-700", "packages": 1080, "gross_mass": {"value": "24.6", "unit": "TNE"},
               "risk_indicators": ["WGT", "HIS", "ADR"],
               "text": "The supply chain of request 1. Returned empty from Santos in August, door hinges repainted."},
         acks={"mensah": 5, "lawson": 19}),
    Line(ago=190, who="mensah", kind="feedback", reply="w5",
         body={"outcome": "PEN", "controls": ["DOC"], "text": "Vessel berths at 21:00. Scanner booked for 22:30, dog team on call."}),
    Line(ago=150, who="chloe", kind="warning", key="w6", priority="immediate", to=("TG",), due=-20, language="en",
         subject="Express parcels, 14 pieces, “vitamins”, Mumbai → Lomé via Addis Ababa", grading=("B", "2"),
         body={"target": "PCL", "requested_action": ["INS", "SMP"], "conveyance": "EXP", "commodity": "DRG.tramadol", "departure_country": "IN",
               "transit_countries": ["ET"], "destination_country": "TG", "packages": 14, "risk_indicators": ["GDS", "VAL"],
               "text": "Second wave of the parcels of warning 2, same hub, same packing list template."}),
    Line(ago=138, who="bello", kind="seizure", key="s9", subject="Tramadol, 96 000 tablets, air cargo, Lagos",
         body={"date": _day(138), "country": "NG", "place": "NGLOS", "location_type": "APT", "direction": "IMP", "conveyance": "AIR",
               "commodity": "DRG.tramadol", "quantity": {"value": "96000", "unit": "H87"}, "departure_country": "IN",
               "destination_country": "NG", "detection": ["XRY"], "description": "declared as vitamin C, for Mr. Tunde Balogun, Ikeja"},
         moves=(("amina", "validated_ocu", 30, ""),)),
    Line(ago=126, who="fatou", kind="seizure", key="s10", language="fr", subject="Téléphones contrefaits, 1 600 pièces, fret aérien, Abidjan",
         body={"date": _day(126), "country": "CI", "place": "Aéroport Félix-Houphouët-Boigny", "location_type": "APT", "direction": "IMP",
               "conveyance": "AIR", "commodity": "IPR.phones", "quantity": {"value": "1600", "unit": "H87"}, "departure_country": "CN",
               "destination_country": "CI", "detection": ["DOC", "PHY"], "description": "téléphones et étiquettes de marque séparées"}),
    Line(ago=118, who="okafor", kind="seizure", key="s11", subject="Cigarettes, 720 cartons, van, Seme border",
         body={"date": _day(118), "country": "NG", "place": "Seme border post", "location_type": "LBC", "direction": "IMP", "conveyance": "ROA",
               "commodity": "TOB.cigarettes_unknown", "quantity": {"value": "144000", "unit": "H87"}, "departure_country": "BJ",
               "destination_country": "NG", "detection": ["OBS", "PHY"], "description": "under plantains, no revenue stamps"},
         moves=(("bello", "validated_ncp", 22, ""),)),
    Line(ago=104, who="mensah", kind="request", key="r2", to=("BE",), due=138, subject="Repaint and hinge pictures of MSCU 412779-3 wanted before 10:00",
         body={"question": "Can Antwerp send what the gate cameras saw of the doors of MSCU 412779-3 on its way out? It decides where we cut."},
         acks={"dmitri": 6}),
    Line(ago=92, who="diop", kind="movement", language="fr", subject="Yacht « Brisa Norte » en vue au large de Saint-Louis",
         body={"event": "SGT", "occurred_at": _day(96), "conveyance": "SEA", "conveyance_identity": "Brisa Norte", "country": "SN",
               "place": "Saint-Louis, 11 NM W", "text": "Cap sud, sept nœuds, AIS toujours éteint. La vedette suit à distance."}),
    Line(ago=85, who="ferrer", kind="note", language="es", body={"text": "Recibido. Enviamos fotografía del casco y dos vistas de la cubierta por el canal de imágenes."}),
    Line(ago=74, who="alaoui", kind="feedback", reply="w4", language="fr",
         body={"outcome": "ONW", "controls": ["SUR"], "usefulness": 4, "text": "Passé au large de Dakhla hier à 03 h 10 UTC, sans escale chez nous."}),
    Line(ago=52, who="chloe", kind="warning", key="w7", to=("NG", "BJ"), due=310, subject="Two fuel tankers, Cotonou → Lagos, volumes do not fit", grading=("C", "3"),
         body={"target": "VEH", "requested_action": ["INS", "SMP"], "conveyance": "ROA", "commodity": "FUE.diesel", "departure_country": "BJ",
               "destination_country": "NG", "risk_indicators": ["WGT", "RTE"],
               "text": "Third crossing in a week with the same papers. The rear compartment may not be reachable from the dome."},
         acks={"bello": 9}),
    Line(ago=80, who="diop", kind="nil", language="fr", body={"day": _day(80), "controls_made": 9, "targets_controlled": 1}),
    Line(ago=70, who="alaoui", kind="nil", language="fr", body={"day": _day(70), "controls_made": 31, "targets_controlled": 2}),
    Line(ago=66, who="tavares", kind="nil", language="pt", body={"day": _day(66), "controls_made": 4, "targets_controlled": 0}),
    Line(ago=44, who="peeters", kind="nil", body={"day": _day(44), "controls_made": 17, "targets_controlled": 3}),
    Line(ago=33, who="dmitri", kind="note", body={"text": "Gate camera footage for MSCU 412779-3 is being pulled, some twenty minutes more."}),
    Line(ago=21, who="agbo", kind="note", language="fr", body={"text": "Cotonou de retour : panne de liaison depuis lundi. Nous reprenons les avertissements en attente."}),
    Line(ago=9, who="garcia", kind="seizure", key="s12", language="es", subject="Cocaína, 31,2 kg, contenedor, Las Palmas",
         body={"date": _day(9), "country": "ES", "place": "ESLPA", "location_type": "SPT", "direction": "TSH", "conveyance": "SEA",
               "commodity": "DRG.cocaine", "quantity": {"value": "31.2", "unit": "KGM"}, "departure_country": "BR", "destination_country": "GH",
               "detection": ["XRY", "DOG"], "description": "mochilas tras las puertas, sello clonado"}),
)  # fmt: skip

SCRIPT = (*FIRST_DAY, *SECOND_DAY, *THIRD_DAY)
