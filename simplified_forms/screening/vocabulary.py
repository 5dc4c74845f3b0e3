"""Words that tell a person from a thing, in the languages of the operations. Data only.


written as they stand after `nomenclature.folding.fold`: lower case, no accents.
"""

from __future__ import annotations

from typing import Final

from simplified_forms.screening.lexicon import folded


def _words(text: str) -> frozenset[str]:
    return frozenset(folded(word) for word in text.split())


TITLES: Final = _words(
    "mr mrs ms miss mister dr prof professor capt captain chief sgt sergeant lt lieutenant col colonel "
    "inspector insp "
    "alhaji alhaja hajj hadj hadja sheikh sheik sir lady madam m mm mme mlle monsieur madame mademoiselle me "
    "maitre "
    "docteur sieur capitaine commandant sr sra srta senor senora senorita don dona herr frau hr fr sig signor "
    "signora "
    "senhor senhora exmo capitao dhr mevr mevrouw meneer mijnheer mw г-н г-жа господин госпожа гр гражданин "
    "гражданка "
    "السيد السيدة الدكتور الدكتورة الشيخ الحاج الحاجة الآنسة الاستاذ الأستاذ الانسة"
)
SHORT_TITLES: Final = _words(
    "m mm me sr sra don dona hr fr mw gr chief miss col lt lady sir"
)  # words, too: in capitals only

# Persons, and never a company: what is said of them is said of somebody, and a name beside it is theirs.
PERSONS: Final = _words(
    "driver drivers co-driver passenger passengers suspect suspects courier traveller traveler traveller's "
    "informant "
    "informer porter brother sister wife husband uncle aunt cousin son daughter father mother nephew niece "
    "brother-in-law friend neighbour neighbor individual individuals occupant occupants "
    "accomplice accomplices witness witnesses victim master mate skipper pilot bosun seaman sailor crew "
    "crewman "
    "crewmember member engineer docker stevedore watchman helper apprentice organiser organizer ringleader "
    "recruiter smuggler financier accountant clerk manager employee lawyer detainee stowaway trafficker "
    "chauffeur conducteur conductrice passager passagere passagers voyageur voyageuse prevenu prevenue frere "
    "soeur "
    "beau-frere belle-soeur epoux epouse mari oncle tante fils fille neveu niece cousine ami amie voisin "
    "voisine individus occupants complice complices temoin temoins marin matelot pilote gardien "
    "vigile apprenti passeur trafiquant organisateur commanditaire gerant gerante employe employee comptable "
    "avocat "
    "cuisinier mecanicien detenu clandestin "
    "conductor chofer pasajero pasajera detenido detenida hermano hermana esposa esposo tio tia primo prima "
    "sobrino "
    "amigo amiga vecino vecina individuo ocupante ocupantes complices testigo marinero piloto "
    "vigilante estibador capataz cocinero contador gerente empleado abogado "
    "motorista condutor passageiro passageira detido detida irmao irma marido sobrinho vizinho "
    "cumplice testemunha marinheiro estivador vigia cozinheiro empregado advogado "
    "bestuurder passagier verdachte broer zus oom tante neef nicht vriend vriendin buurman medeplichtige "
    "getuige matroos stuurman schipper bewaker "
    "fahrer lkw-fahrer beifahrer reisender verdachtiger verdachter bruder schwester ehefrau ehemann onkel "
    "neffe "
    "freund freundin nachbar komplize komplizin zeuge zeugin matrose lotse lagerist hafenarbeiter "
    "водитель водителя пассажир пассажирка пассажира курьер задержанный подозреваемый брат сестра жена муж "
    "дядя "
    "сын племянник друг сосед сообщник соучастник свидетель матрос боцман механик повар охранник "
    "السائق سائق المسافر المسافرة الراكب الموقوف المشتبه المتهم الشاهد البحار القبطان الحارس شقيقه شقيق أخوه "
    "زوجته زوجها عمه خاله صديقه جاره شريكه"
)
# Who somebody is towards the goods or towards somebody else: a name often follows.
ROLES: Final = PERSONS | _words(
    "man men woman women homme hommes femme hombre mujer homem mulher mann vrouw cook koch kok patron guard "
    "questioned apprehended handcuffed consignee consignor shipper sender receiver addressee owner "
    "suspect "
    "suspects arrested detained agent broker forwarder trader informant informer porter declarant importer "
    "exporter "
    "traveller traveler traveller's holder buyer seller brother sister wife husband uncle aunt cousin son "
    "daughter father "
    "mother nephew party interviewed signed signature released addressed chauffeur conducteur conductrice "
    "passager "
    "passagere passagers destinataire expediteur expeditrice proprietaire prevenu prevenue transporteur "
    "transitaire "
    "receptionnaire frere soeur epouse epoux mari femme oncle fils fille dame sieur importateur exportateur "
    "voyageur "
    "voyageuse mandataire gerant client conductor chofer pasajero pasajera destinatario destinataria remitente "
    "propietario propietaria detenido detenida dueno hermano esposa tio motorista condutor passageiro "
    "passageira "
    "remetente proprietario dono despachante irmao bestuurder passagier eigenaar ontvanger afzender verdachte "
    "fahrer "
    "lkw-fahrer beifahrer passagier empfanger absender inhaber eigentumer geschaftsfuhrer verdachtiger halter "
    "reisender "
    "водитель водителя пассажир пассажирка пассажира получатель отправитель владелец хозяин грузополучатель "
    "грузоотправитель декларант брокер курьер задержанный подозреваемый фамилия фио "
    "السائق سائق المسافر المسافرة الراكب المرسل المستلم مالك صاحب صاحبة الموقوف المشتبه المستورد المصدر التاجر "
    "الوسيط "
    "المتهم الناقل"
)
# What only a person does, as the words that follow a name.
ACTS: Final = frozenset(
    tuple(map(folded, act.split()))
    for act in (
        "fled", "escaped", "ran away", "ran off", "surrendered", "confessed", "admits", "admitted", "denies",
        "denied",
        "refuses", "refused", "claims", "claimed", "says", "said", "told", "lied", "lives", "resides",
        "travels",
        "travelled", "traveled", "boarded", "swallowed", "collected", "signed", "drives", "drove", "knows",
        "identified himself", "identified herself", "presented himself", "presented herself", "calls himself",
        "calls herself", "pretends", "booked", "hid",
        "s'est enfui", "s'est enfuie", "s'est présenté", "s'est présentée", "s'est rendu", "s'enfuit", "a fui",
        "a pris la fuite",
        "a avoué", "a reconnu", "a refusé", "a signé", "ont signé", "a menti", "a retiré", "a affirmé",
        "n'a rien", "a nié",
        "affirme", "prétend", "nie", "avoue", "reconnaît", "habite", "demeure", "réside", "voyage", "conduit",
        "jure",
        "se dit", "se présente",
        "huyó", "escapó", "dijo", "afirma", "niega", "confesó", "firmó", "alega", "viaja", "vive", "reside",
        "conducía",
        "recogió", "se fugó", "se entregó", "se presentó",
        "fugiu", "disse", "nega", "confessou", "assinou", "assinaram", "recolheu", "entregou-se",
        "zegt", "verklaarde", "verklaart", "ontkent", "bekende", "vluchtte", "tekende", "weigerde", "weigert",
        "woont", "reist",
        "sagte", "sagt", "bestreitet", "gestand", "flüchtete", "floh", "unterschrieb", "weigerte", "wohnt",
        "gibt an",
        "behauptet", "erklärte",
        "скрылся", "скрылась", "заявил", "заявила", "сказал", "сказала", "подписал", "подписала", "отказался",
        "отказалась",
        "признался", "призналась", "утверждает", "отрицает", "проживает", "задержан", "задержана", "арестован",
        "арестована", "допрошен", "допрошена", "опрошен", "отпущен",
    )
)  # fmt: skip
# What is done to persons only, some words after one of the helping verbs.
HELPING: Final = _words("was were is been being ete est fut fue fueron foi foram werd wordt wurde wird")
UNDERGONE: Final = _words(
    "arrested detained questioned interviewed interrogated apprehended handcuffed charged convicted sentenced "
    "fined "
    "interpelle interpellee interpelles arrete arretee auditionne auditionnee convoque condamne menotte "
    "detenido detenida arrestado arrestada interrogado interrogada capturado condenado "
    "detido detida preso presa interrogada condenado "
    "aangehouden verhoord vrijgelaten gearresteerd veroordeeld "
    "festgenommen verhaftet vernommen freigelassen verurteilt befragt"
)
# Between two names.
AND: Final = _words("and et y e und en и with avec con com mit met")
# By them a family name is known wherever it stands.
FAMILY_ENDINGS: Final = (
    "ović", "ević", "ić", "escu", "eanu", "poulos", "poulou", "oglu", "oğlu", "idis", "akis", "shvili", "adze",
    "idze",
    "enko", "chuk", "wicz", "czyk", "owski", "owska", "ewski", "ewska", "iński", "ińska", "dóttir", "dottir",
    "sson",
    "zadeh", "zoda", "ullah", "uddin", "bekov", "bayev", "aliev", "aliyev", "hanov", "manov", "dashev",
    "ainen", "onen",
    "швили", "енко", "адзе", "идзе", "алиев", "галиев", "динов", "динова", "пулос",
)  # fmt: skip
# After these a name comes, whatever it looks like.
NAMING: Final = _words(
    "named alias aka a.k.a nickname nicknamed nomme nommee denomme denommee nom prenom prenoms llamado llamada "
    "apodado "
    "apodo nombre chamado chamada nome apelido genaamd naam namens genannt "
    "المدعو المدعوة المسمى باسم اسمه اسمها الملقب"
)
NICKNAMING_PHRASES: Final = ("known as", "nickname is", "calls him", "calls her", "called him", "dit ", "surnom de")
NAMING_PHRASES: Final = (
    "name is", "name as", "name:", "call him", "a certain", "the name of", "au nom de", "par nom", "por "
    "nombre", "bajo el nombre",
    "em nome de", "mit dem namen", "auf den namen", "met de naam", "по имени", "по фамилии", "на имя",
    "according to", "belongs to", "belong to", "travels with", "we spoke to", "spoke to", "interview with",
    "made out to", "addressed to", "released to", "sent by", "signed by", "signed for by", "driven by",
    "met with",
    "calls himself", "calls herself", "call himself", "himself as", "herself as", "se fait appeler",
    "se hace llamar",
    "nennt sich", "noemt zich", "называет себя", "collected by", "picked up by", "retire par", "envoye par",
    "recu de", "recibido por", "enviado por",
    "firmado por", "assinado por", "getekend door", "unterschrieben von", "package for", "parcel for",
    "written by", "selon",
    "appartient a", "signe par", "conduit par", "segun",
    "pertenece a", "segundo", "laut", "volgens", "remis a", "disposition de", "in the name of", "on behalf of",
)  # fmt: skip
# Small words that stand inside names.
PARTICLES: Final = _words(
    "de da do dos das del della di du van den der von zu ten ter la le el al bin bint ibn ben ould mint abu "
    "abou umm "
    "y e af av st san بن ابن ابو أبو بنت آل عبد"
)
COMPANY: Final = _words(
    "ltd limited inc llc plc gmbh ag sarl sa sas srl spa bv nv oy ab ooo zao pte pvt corp corporation co "
    "company cie "
    "societe line lines shipping logistics transport transports trading traders enterprise enterprises "
    "ventures "
    "group "
    "groupe holdings airlines airways express cargo bank banque industries international services agency "
    "agencies "
    "freight import export motors ооо зао оао ип"
)
# A capitalised run that ends or begins with one of these is a place, a building, a body.
PLACE_WORDS: Final = _words(
    "port harbour harbor airport aeroport aeropuerto aeroporto flughafen luchthaven terminal station gare "
    "street road "
    "avenue rue boulevard calle rua strasse straat quay quai pier berth bridge pont house hall room salle shed "
    "warehouse "
    "magasin entrepot market marche hotel island isle ile isla ilha lake lac river fleuve rio bay baie beach "
    "plage cape "
    "cap cabo mount mont gulf golfe canal strait zone region province district state republic republique coast "
    "cote "
    "border frontiere post poste gate office bureau customs douane douanes aduana alfandega zoll north south "
    "east west "
    "northern southern eastern western norte sur sul sud est ouest oeste leste nord central upper lower new "
    "saint sainte santa santo sao fort city town village "
    "university college school church mosque hospital national ministry federal united free hafen haven kai "
    "ville "
    "court lodge falls springs hill hills valley creek park parc parque plaza tower towers tour torre depot yard "
    "plant mill farm camp gardens club centre center mall patio cais kade platz usine terrain mosquee "
    "порт аэропорт станция пост область край республика улица ميناء مطار معبر مدينة شارع دولة جمهورية الدار"
)
# The name of a ship, an operation, a street, a brand follows.
THING_INTRODUCERS: Final = _words(
    "mv m/v m.v mt ms ss vessel vessels ship ships carrier tanker tug barge yacht boat trawler dhow navire "
    "bateau cargo "
    "vraquier porte-conteneurs remorqueur petrolier voilier chalutier buque barco velero remolcador pesquero "
    "navio "
    "rebocador veleiro schip motorschip schiff frachter containerschiff motorschiff судно теплоход танкер "
    "сухогруз "
    "team squad patrol shift annex platoon equipe patrouille annexe equipo patrulla turno equipa patrulha ploeg "
    "patrouille streife schicht смена патруль бригада "
    "toyota nissan renault peugeot citroen chevrolet ford opel volkswagen fiat hyundai kia mitsubishi suzuki "
    "bmw audi "
    "volvo scania daf iveco howo sinotruk isuzu mazda honda yamaha dacia skoda lada tata mahindra daewoo лада "
    "yate yacht iate velero السفينة سفينة باخرة الباخرة operation operación operacion operacao project "
    "exercise "
    "projet exercice marque brand "
    "marca merk marke model modele dog chien hund operações operation: name: "
)
# A place follows: San Andrés, Villa Clara, Puerto Triunfo.
PLACE_INTRODUCERS: Final = _words(
    "san santa santo sao saint sainte st villa vila puerto porto port monte mont mount fort cabo cape cap isla "
    "ilha ile "
    "airport aeroport aeropuerto aeroporto rue calle rua street terminal salle avenue avenida boulevard quartier"
)
# Given names that are words, too: alone they make no name of the word beside them.
WORDS_TOO: Final = _words(
    "alpha alfa bravo charlie delta echo romeo sierra ruby basil amber jade rose rosa pearl crystal ivory "
    "ebony olive ginger cherry candy champagne brandy victoria virginia georgia carolina florence savannah "
    "asia china india africa paris london chelsea dakota geneva april may june august summer autumn dawn "
    "sunny stormy hope angel royal king queen prince princess duke baron major general ocean river star sky "
    "forest stone rock sandy misty santa mercedes lexus will chance rich golden grande blanc blanca azul mar "
    "sol luz flor perla luna nova aurora omega "
)
# Brands that look like a person's name.
BRANDS: Final = (
    "jack daniels", "johnnie walker", "johnny walker", "jim beam", "captain morgan", "louis vuitton",
    "hugo boss",
    "calvin klein", "ralph lauren", "tommy hilfiger", "christian dior", "yves saint laurent", "marc jacobs",
    "michael kors", "giorgio armani", "john deere", "mercedes benz", "jose cuervo", "remy martin",
    "philip morris",
    "jean paul gaultier", "paco rabanne", "john player", "peter stuyvesant", "pall mall", "lucky strike", "red "
    "bull",
    "coca cola", "dolce gabbana", "carolina herrera", "john player special", "william lawson", "moet chandon",
    "rolls royce", "land cruiser", "range rover", "harley davidson", "benson hedges", "dr martens",
    "estee lauder",
    "marlboro red", "marlboro gold", "victoria secret", "alfa romeo", "tommy jeans", "sandy hook", "holland "
    "america",
    "marie claire", "santa claus", "evergreen marine", "stella artois", "grants whisky", "william grant",
    "jameson",
)  # fmt: skip
