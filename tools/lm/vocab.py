"""The vocabulary: 256 bytes, the Phoenician block, its numerals' tens and units, frequent template words.

A text is cut greedily into the longest tokens (llama.cpp's "rwkv" tokenizer does the same), so every text can be
written, and a word that is no template word is spelled by its bytes the same way wherever it stands.
"""
import re

MEM, TET, SAMEKH, HET, NUN, AYIN, TAW, SEP = (chr(c) for c in (
    0x1090C, 0x10908, 0x1090E, 0x10907, 0x1090D, 0x1090F, 0x10915, 0x1091F))
ONE, TEN, TWENTY, HUNDRED, TWO, THREE = (chr(0x10916 + i) for i in range(6))

PHOENICIAN = [chr(c) for c in list(range(0x10900, 0x1091C)) + [0x1091F]]

MARKS = ["]\n>", "\n>", "\n< ", " =", " #", " -",
         "name", "seen", "face", "faces", "nothing",
         "I do not know.", "I cannot do that.", "I see", "Your", "The", "Noted,", "Hello", "Goodbye.",
         "You are welcome.", "I am Cadmus.", "I am well.", ". #"]

SPACED = """what where who how many which when is are was the my your you does did could would will tell about know knows
 remember remind called state of under behind near that this now have has please and there say any it's what's
 where's who's again left put placed found keep find think happened status walk take move make advance march
 step steps forward ahead straight pace paces turn rotate spin degrees degree around right for time scan look
 sweep stand up still upright crouch down duck lower rise raise get stop halt freeze wait don't not anyone
 anybody somebody someone something eyes looking hello hey thanks thank good morning evening goodbye bye just
 okay learn call calls name's people everyone one two three four five six seven eight nine ten eleven twelve
 thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
 ninety hundred""".split()

CAPITAL = """What Where Who How Which Are The My Does Did Can Could Would Will Tell Please Remember Walk Take Move Turn
 Rotate Stand Stop Look Scan Crouch Rise Get Note Hello Hey Thanks Thank I'm You""".split()


def numeral(n):
    """The canonical Phoenician numeral of 1..999."""
    def units(u):
        return THREE * (u // 3) + ["", ONE, TWO][u % 3]
    h, rest = divmod(n, 100)
    t, u = divmod(rest, 10)
    return (units(h) if h > 1 else "") + (HUNDRED if h else "") + TWENTY * (t // 2) + TEN * (t % 2) + units(u)


def build():
    """The tokens as a list of byte strings; token 0 ends a text and cannot be typed."""
    out = [b"\x00<end>\x00"] + [bytes([i]) for i in range(256)]
    digits = [numeral(n) for n in list(range(1, 10)) + list(range(10, 100, 10))]
    for t in PHOENICIAN + digits + MARKS + [" " + w for w in SPACED + CAPITAL]:
        b = t.encode()
        if b not in out:
            out.append(b)
    return out


TOKENS = build()
EOS = 0
_IDS = {t: i for i, t in enumerate(TOKENS)}
_CUT = re.compile(b"|".join(re.escape(t) for t in sorted(TOKENS[1:], key=len, reverse=True)), re.S)


def encode(text):
    """Token ids of a text."""
    return [_IDS[t] for t in _CUT.findall(text.encode())]


def decode(ids):
    """Text of token ids, without the end token."""
    return b"".join(TOKENS[i] for i in ids if i != EOS).decode("utf-8", "replace")


def gguf_text(token):
    """A token as llama.cpp's rwkv vocabulary writes it: text with \\xNN for what is not plain."""
    try:
        s = token.decode("utf-8")
    except UnicodeDecodeError:
        return "".join("\\x%02x" % b for b in token)
    return "".join("\\x%02x" % ord(c) if ord(c) < 32 or c == "\\" else c for c in s)
