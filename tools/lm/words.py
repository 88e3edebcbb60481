"""Word stock of the corpus: names, things, adjectives, states, places, possessions, and made-up words."""
import zlib

NAMES = """Ana Anna Maria Ivan Petar Luka Marko Nina Elena Sofia Laura Emma Olivia Noah Liam Mia Lea Leo Max Paul
 Peter John Mary James Robert Michael David William Richard Joseph Thomas Charles Daniel Matthew Anthony Mark Steven
 Andrew Kenneth George Joshua Kevin Brian Edward Ronald Timothy Jason Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan
 Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Frank Alexander Raymond Patrick Jack Dennis Jerry Tyler
 Aaron Jose Adam Henry Nathan Douglas Zachary Kyle Walter Ethan Jeremy Harold Keith Christian Roger Terry Sean Austin
 Carl Arthur Lawrence Dylan Jesse Jordan Bryan Billy Bruce Gabriel Joe Logan Alan Juan Wayne Roy Ralph Randy Eugene
 Vincent Russell Bobby Victor Martin Ernest Phillip Todd Craig Patricia Jennifer Linda Elizabeth Barbara Susan Jessica
 Sarah Karen Lisa Nancy Betty Sandra Margaret Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah
 Stephanie Rebecca Sharon Cynthia Dorothy Amy Kathleen Angela Shirley Brenda Pamela Nicole Ruth Katherine Samantha
 Christine Catherine Virginia Debra Rachel Janet Carolyn Heather Diane Julie Joyce Evelyn Joan Kelly Lauren Judith
 Olga Ingrid Astrid Bjorn Sven Lars Freya Hans Greta Fatima Omar Ali Hassan Layla Yusuf Aisha Amir Zara Priya Ravi
 Arjun Anika Deepak Mei Wei Jun Hiro Yuki Sakura Kenji Aiko Minh Linh Kwame Amara Chidi Ngozi Zola Thabo Diego Lucia
 Mateo Camila Javier Ines Pedro Joana Tiago Rui Giulia Marco Paolo Chiara Luca Matteo Pierre Amelie Claire Hugo Louis
 Katya Dmitri Natasha Boris Igor Svetlana Jana Tomas Eva Adela Zsofia Bence Ilse Femke Daan Sanne Aoife Niamh Cormac
 José Zoë Łukasz Müller Søren Chloé Begoña Ümit Ștefan Žofia Đorđe Håkon Renée Andrés Mónica Iñigo""".split()

ONE = """door window gate box ball cup table chair lamp light valve pump motor sensor camera robot battery charger
 cable switch button lever tank pipe heater cooler fan oven fridge freezer kettle toaster sink bath shower mirror
 clock phone laptop tablet printer screen keyboard mouse bag wallet book notebook pen pencil map letter parcel hammer
 drill wrench saw ladder rope bucket broom mop brush towel blanket pillow bed sofa desk shelf drawer cupboard wardrobe
 carpet curtain garage car bike truck van tractor trailer boat engine wheel tyre mower hose pot pan plate bowl bottle
 jar knife fork spoon tray basket crate barrel chest safe cabinet locker vase candle guitar piano drum violin radio
 speaker microphone drone antenna router server modem alarm doorbell umbrella coat hat jacket shirt scarf belt helmet
 backpack suitcase ticket passport medicine toy puzzle kite balloon plant tree fence bench fountain statue flag sign
 elevator conveyor crane forklift turbine generator filter gauge thermostat blender mixer grill torch lantern mat
 ribbon coin stone cart stool bin feeder hatch""".split()

MANY = """keys shoes boots gloves socks trousers glasses scissors pliers tools books papers letters tickets cables
 batteries boxes cups plates bottles lights windows doors pens coins stamps flowers apples oranges bananas seeds
 screws nails bolts wires pills cards photos headphones curtains blinds chairs tables wheels toys parts samples
 cookies candles""".split()

ADJECTIVES = """red blue green yellow black white grey brown orange purple pink silver golden old new big small little
 large tall short long wide narrow heavy light wooden metal plastic glass paper round square left right front back
 upper lower first second third spare broken main inner outer north south east west dirty clean soft hard warm cold
 heavy empty rusty shiny striped tiny huge garden kitchen office""".split()

STATES = """open closed locked unlocked broken fixed clean dirty full empty on off hot cold warm cool wet dry ready
 busy free lost found charged flat loose tight safe damaged missing new old half working running stopped blocked
 clear frozen melted sealed jammed leaking rusty shut low high noisy quiet heavy light unplugged overheated stuck
 bent cracked sold rented reserved finished unfinished burning asleep awake dusty wrapped packed red blue green up
 down""".split()
STATES += """almost empty|half open|wide open|very hot|too cold|out of order|switched off|switched on|
 turned off|turned on|in use|under repair|not working|painted red|painted blue|fully charged|plugged in|
 three years old|42 degrees|at 7 percent|20 percent full|very old|almost ready|not ready""".replace("\n ", "").split("|")

ROOMS = """kitchen garage bedroom bathroom office hall corridor cellar attic garden yard shed workshop laboratory
 library lobby basement warehouse barn cupboard drawer fridge box bag car van trunk suitcase closet wardrobe basket
 classroom cabin kiosk studio pantry stable greenhouse tower hangar tent lounge nursery""".split()
SPOTS = """table desk chair shelf floor bed sofa bench roof stairs counter carpet wall window windowsill door piano
 ladder cabinet stove fence tree bridge cart tray mat rack stool printer radiator""".split()
PLACES = """upstairs downstairs outside""".split()
PLACES += """at home|at work|at school|in Paris|in London|in my pocket|next door|at the station|over there|
 in room 12|on the left|on the right|at the airport|in the blue box|under the red chair|on the top shelf|
 behind the old shed|in my bag|near the river|at the harbour|in storage""".replace("\n ", "").split("|")

PETS = "cat dog horse parrot rabbit hamster turtle goldfish snake pony lizard canary".split()
KIN = """sister brother mother father wife husband son daughter friend boss teacher neighbour doctor uncle aunt cousin
 partner dentist lawyer coach assistant colleague manager landlord nephew niece grandmother grandfather""".split()
FAVOURITES = """color colour food drink fruit song book film movie game sport city animal season number band singer
 team dish flower country day month language dessert cheese tea""".split()
OTHERS = """birthday hometown street city country job age hobby car phone number school office flight train meeting
 appointment nickname surname team bus seat plan goal address company project""".split()
OTHERS += """password hint|room number|shoe size|car color|first language|blood type|eye color|middle name|
 house number|gate number""".replace("\n ", "").split("|")
LIKES = """red blue green yellow black white purple orange pink turquoise pizza pasta sushi rice bread soup apple banana
 cherry mango tea coffee water milk juice chess football tennis rugby golf swimming cycling Paris London Rome Berlin
 Madrid Lisbon Vienna Prague Oslo Tokyo Cairo Lima spring summer autumn winter Monday Friday Sunday May June July
 jazz rock tiger eagle dolphin rose tulip violin teacher nurse engineer baker pilot farmer painter Spanish French
 German Latin cheese chocolate honey cake""".split()

SYLLABLE_A = "b c d f g h j k l m n p r s t v w z br dr gr kr pr tr bl cl fl gl pl st sk sp ch sh th".split() + [""] * 3
SYLLABLE_B = "a e i o u a e i o u ai ea ee ia io oa oo ou".split()
SYLLABLE_C = [""] * 14 + "n r l s m t k d x p".split()
SCRIPTS = ["α β γ δ ε η θ ι κ λ μ ν ο π ρ σ τ υ φ χ ω", "а б в г д е ж з и к л м н о п р с т у ф х ч ш ю я",
           "א ב ג ד ה ו ז ח ט י כ ל מ נ ס ע פ צ ק ר ש ת", "ا ب ت ج ح د ر س ش ص ط ع ف ق ك ل م ن ه و ي",
           "ka ki ku ke ko sa shi su ta chi na ni no ha hi ma mi mu ra ri ru wa yo",
           "á é í ó ú ñ ç ã ê ö ü ä å ø š č ž ł ő ă ț n r l s t m d k b", "山 川 田 中 木 林 小 大 高 石 井 村 上 水 金 森 美 春 明 王 李",
           "अ क म न र ल स त द व ज ह प ग"]
SCRIPTS = [s.split() for s in SCRIPTS]


def held_out(word):
    """One word in eight never appears in the training data (as a name, a thing, or a made-up word)."""
    return zlib.crc32(word.lower().encode()) % 8 == 0


def made_up(rng, low=1, high=3):
    """A pronounceable word that exists in no list."""
    return "".join(rng.choice(SYLLABLE_A) + rng.choice(SYLLABLE_B) + rng.choice(SYLLABLE_C)
                   for _ in range(rng.randint(low, high)))


def scribble(rng):
    """Random letters and digits."""
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(2, 7)))


def foreign(rng):
    """A made-up word in another script."""
    letters = rng.choice(SCRIPTS)
    return "".join(rng.choice(letters) for _ in range(rng.randint(2, 5)))


def split_pick(rng, make, test):
    """A word of make(rng) that belongs to the asked side of the split."""
    while True:
        w = make(rng)
        if held_out(w) == test:
            return w
