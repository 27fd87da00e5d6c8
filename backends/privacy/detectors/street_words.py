"""The words of streets by country, and what else an address is made of: flats, boxes, the words that announce one.

Sources: USPS Publication 28 (suffixes and units), Royal Mail, Canada Post and Australia Post's addressing guides, UPU's
addressing sheets of the other countries, and their street directories. All in small letters.
"""

from backends.privacy.detection import word_set

NUMBER_NAME_WORD = word_set(
    """street st road rd avenue ave av boulevard blvd lane ln drive dr terrace crescent cres parkway pkwy str"""
)
"""`12 Main Street`: United States, Canada, Britain, Ireland, Australia, New Zealand, South Africa, India."""

NUMBER_NAME_WORD_WEAK = word_set(
    """way court ct close place pl square sq gardens gdns grove park hill hills row mews rise walk view views green
    greens circle cir loop trail trl path plaza alley quay wharf common commons heights ridge ridges point points
    crossing estate estates bend cove coves creek run pass parade pde nagar marg colony sector layout enclave vihar
    cross highway hwy turnpike expressway esplanade bypass center centre corner corners course crest curve dale
    field fields flat flats ford forge fork forks garden gateway glen harbor haven hollow island islands isle
    junction knoll lake lakes landing manor meadow meadows mill mills mission mount mountain orchard oval passage
    pike pine pines plain plains prairie radial ramp ranch rapids rest river shoals shore shores spring springs spur
    station stream summit trace track tunnel underpass union unions valley via viaduct village villages ville vista
    walks wall ways well wells extension extensions vale end yard ferry inlet chowk ganj zila stravenue light lights
    port ports camp falls mountains spurs squares locks neck glade access anchorage deviation concourse tarn manors
    crossroad courts drives roads streets burg brook brooks bridge canyon cape causeway club dam divide forest fort
    freeway harbors key keys knolls land loaf lock lodge mall motorway overpass skyway shoal throughway trafficway
    turn"""
)
"""The same where a flat, a postcode or a word for an address is near: they end other names as well."""

NUMBER_WORD_NAME = word_set(
    """rue avenue av av. ave boulevard bd bd. bld blvd chemin impasse allée allee allé quai faubourg sentier venelle
    montée rang côte"""
)
NUMBER_WORD_NAME_WEAK = word_set(
    "place square route cours passage villa résidence lotissement cité hameau lieu-dit rond-point"
)
"""`12 rue de la Paix`: France, Belgium, Switzerland, Québec, the Maghreb. Of the weak ones "de" is a part."""

WORD_NAME_NUMBER = word_set(
    """calle c/ avenida avda avda. av. paseo carrer camino carretera ctra. glorieta travesía carrera cra. bulevar
    calzada callejón andador prolongación periférico retorno rua travessa alameda praça rúa estrada rodovia via
    viale piazza piazzale piazzetta vicolo contrada lungotevere lungomare ul. ulica aleja aleje al. os. osiedle plac
    pl. strada str. bulevardul bd. calea aleea şoseaua șoseaua soseaua drumul intrarea rue avenue boulevard chemin
    impasse allée quai ruelle οδός οδος λεωφόρος λεωφ. πλατεία odos leoforos plateia ул. улица проспект просп. пр-т
    пер. переулок бульвар шоссе наб. набережная вул. вулиця jl. jalan jln. rr. rruga đường phố רחוב شارع"""
)
"""`Calle Mayor 12`: Spain, Latin America, Portugal, Brazil, Italy, Poland, Romania, Greece, Russia, Indonesia."""

WORD_NAME_NUMBER_WEAK = word_set(
    """plaza largo corso ronda place square route cours p.zza v.le c.so bl. b-dul diagonal cerrada continuación
    viaducto urbanización pasaje pasadizo privada circuito eje acceso cuesta peatonal recanto chácara sítio quadra
    condomínio setor vila viela ladeira vereda conjunto colônia fazenda jardim lago lagoa loteamento morro parque
    residencial trecho vale canale incrocio rotonda borgo stretto na nad pod ob"""
)

SUFFIXES = (
    *("straße", "strasse", "str.", "gasse", "allee", "weg", "platz", "damm", "ufer", "chaussee", "gässli"),
    *("gracht", "straat", "laan", "plein", "singel", "steenweg", "steeg", "dreef"),
    *("gatan", "vägen", "gränd", "gata", "vegen", "veien", "vegur", "stígur", "braut", "götu"),
    *("vej", "allé", "stræde", "gade", "katu", "kuja", "polku", "kaari", "ntie", "atie", "otie", "-ring"),
)
"""`Gartenstraße 12`: Germany, Austria, Switzerland, the Netherlands, Belgium, the Nordic countries."""

SUFFIXES_WEAK = (
    *("ring", "steig", "stieg", "pfad", "graben", "markt", "hof", "park", "berg", "bach", "rain", "halde", "matt"),
    *("zeile", "feld", "moor", "dorf", "land", "kade", "dijk", "wei", "pad", "lei", "baan", "boulevard", "lyngen"),
    *("tjernet", "plassen", "bakken", "svingen", "stigen", "backen", "gate", "vei", "torg", "tie", "tee", "plass"),
    *("vang", "toft", "haven", "sti", "tanja", "ranta", "tori", "tún", "torv", "ska", "ská", "ova", "ého", "ická"),
)
"""The same where a flat, a postcode or a word for an address is near."""

NAME_WORD_NUMBER = word_set(
    """straße strasse str. weg allee platz gasse damm ufer straat laan plein gata gatan vägen vej allé katu tie polku
    kuja kaari utca u. út útja tér tere körút krt. sétány sor köz fasor ulice ulica cesta třída náměstí nám. nábřeží
    námestie nábrežie ul. trg put проспект улица переулок бульвар шоссе набережная вулиця caddesi cad. cadde sokak
    sokağı sok. sk. bulvarı blv. tänav tn põik maantee mnt pst puiestee tee iela gatve g. prospektas pr. terrasse
    gate kapu rakpart liget"""
)
"""`Berliner Straße 12`, `Kossuth utca 12`: Germany, the Nordic and Baltic countries, Hungary, Czechia, Slovakia,
Croatia, Slovenia, Turkey, Russia.
"""

NAME_WORD_NUMBER_WEAK = word_set(
    "ring markt park hof gate road street st lane st. str tee tie sor put trg ter köz kapu"
)

SURE_UNITS = word_set(
    "apt apt. apartment suite ste. appt appt. appartement lgh apto apto. depto. whg. appartamento edif."
)
"""A name, a number and one of these with its own number are an address."""

UNITS = SURE_UNITS | word_set(
    """ste flat unit wohnung piso depto dpto puerta bloco interno int. interior scala piano m. lok. lokal byt emelet
    em. floor level room studio top tür stiege bus étage dto. torre oficina bl. sc. ap. rd esc. pta. piętro et."""
)

BOXES = word_set("postfach postbox postboks postbus casilla postilokero pobox")
"""`Postfach 12 34`: a word that is nothing else. `P.O. Box` has a pattern of its own."""

COUNTED = word_set(
    """line lines row rows column col table chapter section sec page pages figure fig step version ver port python
    layer level block index item stage phase part episode season windows ubuntu ios android node java channel gate
    terminal platform exit january february march april may june july august september october november december jan
    feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday day week
    month year hour minute second quarter q option rule article art note case test example problem question answer
    lemma theorem equation task issue bug ticket order invoice room building floor model series type class grade
    group team round game match volume vol book act scene verse psalm number no nr top first last next error code
    status http https rfc pep iso utf sha md usd eur gbp about around over under than by for with and or the a an of
    in at on to from is was are were its januar februar märz mai juni juli oktober dezember janvier février mars
    avril juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto
    septiembre octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    star mile way lane off us route interstate highway brigade renegade brocade auntie regata norweg i'm we've euro
    dollar percent size score rank place points seconds minutes hours days weeks months years gb mb kb"""
)
"""What has numbers without being a street."""

COUNTRIES = (
    *("united states", "usa", "united kingdom", "uk", "england", "scotland", "wales", "ireland", "canada", "australia"),
    *(
        "new zealand",
        "south africa",
        "germany",
        "deutschland",
        "austria",
        "österreich",
        "switzerland",
        "schweiz",
        "suisse",
    ),
    *(
        "france",
        "belgium",
        "belgië",
        "belgique",
        "netherlands",
        "nederland",
        "luxembourg",
        "spain",
        "españa",
        "portugal",
    ),
    *("italy", "italia", "sweden", "sverige", "norway", "norge", "denmark", "danmark", "finland", "suomi", "iceland"),
    *(
        "greenland",
        "estonia",
        "eesti",
        "latvia",
        "lithuania",
        "poland",
        "polska",
        "czech republic",
        "czechia",
        "slovakia",
    ),
    *(
        "hungary",
        "magyarország",
        "romania",
        "bulgaria",
        "greece",
        "cyprus",
        "croatia",
        "hrvatska",
        "slovenia",
        "serbia",
    ),
    *("turkey", "türkiye", "russia", "ukraine", "israel", "india", "china", "japan", "south korea", "brazil", "brasil"),
    *(
        "argentina",
        "chile",
        "uruguay",
        "mexico",
        "méxico",
        "colombia",
        "peru",
        "tunisia",
        "morocco",
        "egypt",
        "nigeria",
    ),
)

PUBLIC = word_set(
    """171-second 559-nathan 1895-preston 160-saratoga 444-castro 543-howard 10-downing 11-downing 221b-baker
    1600-pennsylvania 123-main 4-privet 742-evergreen 1-infinite 1600-amphitheatre"""
)
"""Number and first word of streets that licences print, that stories made known, or that stand for any street."""

SMALL_WORDS = word_set(
    """de del della delle dei degli di do da dos das du des la le les el los las of the am an der dem den im in van von
    ter ten y e i och og und et zum zur na u ve sur sous upon on by bei aan vorm pod nad en op"""
)
"""Words inside of names that are written small."""
