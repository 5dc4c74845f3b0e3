"""The codes that the domain page names, written down a second time, so that a lost row is noticed."""

CODES = {
    "conveyance": "SEA RAI ROA AIR MAI EXP MUL FIX INL PED GAV DRO ANI PRE UNK",
    "location_type": "SPT INP APT ACC MLC RLT LBC GRB INL CFS FTZ TSW HSE PRM MKT ONL OTH UNK",
    "direction": "IMP EXP TRA TSH INT REX UNK",
    "selection": "RTN RND PRF INT TIP GRP OTA OTH UNK",
    "detection": "DOG XRY TRC RAD DOC PHY OBS CDL SUR WEB FND OTH UNK",
    "concealment": (
        "ONC INT SHO BGH BGC BGF BGU FRM FRI FRL FRP FRD COR COS COD VCP VFT VTY VPN VEN VTR VDB VUC "
        "SHL SEN SCR SBL STO SDK ACB ATO ACH AAV ACT MLE MLP MLI RCR RFR NON OTH UNK"
    ),
    "transport_mode": "0 1 2 3 4 5 6 7 8 9",
    "locode_function": "1 2 3 4 5 6 7 B",
    "unit": "KGM GRM TNE LTR MLT HLT MTR MTK MTQ H87 C62 PR MIL CTM BQL LPA",
    "tlp": "RED AMBER_STRICT AMBER GREEN CLEAR",
    "grading_source": "A B C D E F",
    "grading_information": "1 2 3 4 5 6",
    "usefulness": "1 2 3 4 5",
    "commodity_group": "DRG PRE TOB ALC FUE TAX IPR MED CIT ENV CUL CUR WEA STG NUC HAZ OTH",
    "country": "NG FR XK XZ ZZ",
    "warning_target": "CSG CTN VEH VES ACF PCL PAX",
    "requested_action": "INS SCN SMP DSV SRT HLD INF",
    "feedback_outcome": "SZR IRR NTH NCT NAR DIV REL ONW PEN",
    "feedback_control": "DOC SCN PAR FUL DOG SMP SUR",
    "traffic": "CAR PAX CRW MAI EXP PRI",
    "movement_event": "DEP ARR TSH SGT",
    "follow_up": "CDL LAB INV",
    "cites_appendix": "I II III",
}
# Lists whose codes the domain page leaves to us: how many there must be at least.
SIZES = {
    "offence": 11, "risk_indicator": 15, "not_controlled_reason": 8, "joint_agency": 10, "agency_kind": 10,
    "office_kind": 10, "person_role": 6, "sex": 3, "age_band": 6, "specimen": 25, "document_type": 20,
    "package": 50, "disposal": 6, "sophistication": 3, "route_leg": 5, "currency": 150, "language": 180,
}  # fmt: skip
# Per commodity group the items that the domain page starts from.
ITEMS = {
    "DRG": "cannabis_herb cannabis_resin cannabis_plants khat cocaine cocaine_base coca_leaf heroin opium morphine "
    "amphetamine methamphetamine mdma captagon fentanyl nitazenes ketamine tramadol ghb lsd "
    "synthetic_cannabinoids cathinones nps_other other",
    "PRE": "acetic_anhydride ephedrine pseudoephedrine p2p apaan pmk permanganate other",
    "TOB": "cigarettes_genuine cigarettes_cheap_white cigarettes_counterfeit cigars hand_rolling water_pipe leaf "
    "chewing heated e_liquid machinery",
    "ALC": "beer wine spirits ethanol counterfeit",
    "FUE": "diesel petrol lpg lubricant",
    "TAX": "electronics vehicles textiles food e_commerce",
    "IPR": "clothing footwear bags watches electronics toys cosmetics parts labels",
    "MED": "medicines devices protective_equipment test_kits vaccines pesticides food",
    "CIT": "ivory rhino_horn big_cats shark eel seahorse coral turtles timber orchids cacti pangolin_scales",
    "ENV": "plastic e_waste used_vehicles used_tyres ozone_gases hazardous_waste mercury illegal_fishing",
    "CUL": "coins manuscripts paintings archaeological religious fossils books icons",
    "CUR": "banknotes bearer_instruments gold stones prepaid_cards",
    "WEA": "pistols rifles automatic parts ammunition explosives detonators blades gas converted printed",
    "STG": "machine_tools electronics chemicals aerospace drones",
    "NUC": "sources scrap nuclear_material",
    "HAZ": "toxic_chemicals explosive_precursors",
    "OTH": "identity_documents stolen_vehicles machinery other",
}
