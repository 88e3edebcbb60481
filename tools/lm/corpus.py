#!/usr/bin/env python3
"""The corpus: a view of facts in brackets, then turns of the user and the answers to them.

Everything is drawn at random from word stocks and phrasings. A template that starts with '*' is held out: training
never sees it. So are one name, thing and made-up word in eight (words.held_out). Run it to read samples.
"""
import argparse
import random

import words as W
from vocab import AYIN, HET, MEM, NUN, SAMEKH, SEP, TAW, TET, numeral

UNKNOWN, CANNOT = "I do not know.", "I cannot do that."

ASK_NAME = """what is my name|what's my name|who am I|do you know my name|tell me my name|say my name
do you remember my name|can you tell me my name|please tell me my name|do you know who I am|what am I called
what do you call me|tell me who I am|my name|what was my name|can you remember my name|how am I called
what do people call me|could you say my name|remind me of my name
can you remember who I am|do you know me|do you remember me|remind me who I am|can you tell me who I am|say who I am
so, who am I|and what is my name|so what is my name|so do you know my name|and who am I then
*do you remember who I am|*what is my name please|*can you say my name|*could you tell me who I am|*what's my name again"""
ASK_STATE = """{be} the {k} {w}|what is the state of the {k}|how {be} the {k}|tell me about the {k}|what about the {k}
what is the status of the {k}|what do you know about the {k}|{be} the {k} {w} or {w2}|do you know if the {k} {be} {w}
tell me the state of the {k}|what state {be} the {k} in|can you tell me if the {k} {be} {w}|the {k}
in what state {be} the {k}|what happened to the {k}|do you remember if the {k} {be} {w}|how {be} the {k} now
could you tell me the state of the {k}|what is the {k} like|please tell me about the {k}
could you tell me if the {k} {be} {w}|I want to know if the {k} {be} {w}|say if the {k} {be} {w}|do you think the {k} {be} {w}
what can you tell me about the {k}|say what you know about the {k}
*do you know the state of the {k}|*can you tell me about the {k}|*tell me if the {k} {be} {w}|*please tell me the state of the {k}
*what can you say about the {k}"""
ASK_PLACE = """where {be} the {k}|where's the {k}|where can I find the {k}|do you know where the {k} {be}|find the {k}
tell me where the {k} {be}|where did I put the {k}|where did I leave the {k}|can you tell me where the {k} {be}
in what place {be} the {k}|where {be} the {k} now|do you remember where the {k} {be}|please find the {k}
have you seen the {k}|where should I look for the {k}|remind me where the {k} {be}|what is the place of the {k}
*where do I find the {k}|*could you tell me where the {k} {be}|*please tell me where the {k} {be}|*where {be} the {k} please
*do you know where I put the {k}"""
ASK_MY_PLACE = """where {be} my {k}|where's my {k}|do you know where my {k} {be}|where did I put my {k}
where did I leave my {k}|tell me where my {k} {be}|find my {k}|can you tell me where my {k} {be}
in what place {be} my {k}|have you seen my {k}|where should I look for my {k}|remind me where my {k} {be}|please find my {k}
where {be} my {k} again|can you find my {k}|could you tell me where my {k} {be}
*where can I find my {k}|*do you remember where my {k} {be}|*where {be} my {k} now"""
ASK_MY = """what is my {k}|what's my {k}|tell me my {k}|do you know my {k}|do you remember my {k}|who is my {k}
who's my {k}|can you tell me my {k}|please tell me my {k}|what is my {k} called|what is the name of my {k}|my {k}
what was my {k}|tell me about my {k}|what about my {k}|remind me of my {k}|can you remember my {k}
could you tell me my {k}|what do you know about my {k}|what is my {k} now|do you know what my {k} is
can you tell me what my {k} is|do you remember what my {k} is called|say my {k}|can you say what my {k} is|what is my {k} again
*do you know what my {k} is called|*please remind me of my {k}|*tell me what my {k} is|*could you say what my {k} is
*what is my {k} please"""
ASK_SEEN = """what do you see|how many faces do you see|what can you see|do you see me|do you see anyone|who is there
how many faces are there|can you see me|can you see anybody|is anyone there|what are you looking at|do you see a face
tell me what you see|how many people do you see|is there someone in front of you|what is in front of you
do you see anything|how many faces can you see|do you see somebody|what do your eyes see|who do you see
what do you see now|how many people are there|look, what is there|what is in front of the camera
*tell me how many faces you see|*can you see anyone|*what can you see now|*how many faces are in front of you
*do you see any faces"""

TELL_NAME = """my name is {v}|I am {v}|I'm {v}|call me {v}|you can call me {v}|please call me {v}|they call me {v}
hello, my name is {v}|hi, I am {v}|hello, I am {v}|people call me {v}|everyone calls me {v}|my name's {v}|hey, I'm {v}
{v} is my name|the name is {v}|note that my name is {v}|remember that my name is {v}|this is {v}|hi, I'm {v}
please remember my name is {v}|good morning, I am {v}|just call me {v}|I am called {v}|it is me, {v}
*hello, I'm {v}|*hi, my name is {v}|*please remember that my name is {v}|*good morning, my name is {v}|*hey, call me {v}"""
TELL_THE = """the {k} {be} {v}|note that the {k} {be} {v}|remember that the {k} {be} {v}|please remember the {k} {be} {v}
the {k} {be} now {v}|hey, the {k} {be} {v}|you should know that the {k} {be} {v}|now the {k} {be} {v}
remember: the {k} {be} {v}|I think the {k} {be} {v}|please note that the {k} {be} {v}|just so you know, the {k} {be} {v}
know that the {k} {be} {v}|I found that the {k} {be} {v}|by the way, the {k} {be} {v}|remember, the {k} {be} {v}
*please remember that the {k} {be} {v}|*note: the {k} {be} {v}|*you should remember that the {k} {be} {v}
*please know that the {k} {be} {v}|*hello, the {k} {be} {v}"""
TELL_PUT = """I put the {k} {v}|I left the {k} {v}|I placed the {k} {v}|I keep the {k} {v}|you can find the {k} {v}
remember that I left the {k} {v}|I have put the {k} {v}|I found the {k} {v}
*remember that I put the {k} {v}|*note that I left the {k} {v}|*I have left the {k} {v}"""
TELL_MY_PUT = """I put my {k} {v}|I left my {k} {v}|I keep my {k} {v}|remember that I left my {k} {v}
*remember that I put my {k} {v}|*I have left my {k} {v}"""
TELL_MY = """my {k} {be} {v}|my {k} {be} called {v}|remember that my {k} {be} {v}|note that my {k} {be} {v}
please remember my {k} {be} {v}|my {k} {be} now {v}|hey, my {k} {be} {v}|{v} {be} my {k}|remember, my {k} {be} {v}
you should know that my {k} {be} {v}|the name of my {k} is {v}|I call my {k} {v}|please note that my {k} {be} {v}
by the way, my {k} {be} {v}|just so you know, my {k} {be} {v}
*please remember that my {k} {be} {v}|*know that my {k} {be} {v}|*remember: my {k} {be} {v}|*now my {k} {be} {v}"""

WALK = """walk {n} steps|walk {n} steps forward|take {n} steps|take {n} steps forward|go {n} steps|go ahead {n} steps
go forward {n} steps|{n} steps forward|{n} steps|move {n} steps|move forward {n} steps|make {n} steps|advance {n} steps
march {n} steps|walk straight ahead {n} steps|walk forward {n} steps|take {n} paces|walk {n} paces|step forward {n} times
go straight for {n} steps|walk ahead for {n} steps|walk for {n} steps|step {n} times|now walk {n} steps
can you walk {n} steps|could you take {n} steps|I want you to walk {n} steps|you should walk {n} steps
*advance {n} paces|*go straight ahead {n} steps|*can you take {n} steps forward|*move ahead {n} steps|*walk straight for {n} steps
*could you walk {n} steps forward|*march forward {n} steps|*now take {n} steps"""
TURN = """turn {n} degrees|turn by {n} degrees|rotate {n} degrees|rotate by {n} degrees|spin {n} degrees
turn around by {n} degrees|make a turn of {n} degrees|now turn {n} degrees|can you turn {n} degrees|could you rotate {n} degrees
turn yourself by {n} degrees|a turn of {n} degrees|I want you to turn {n} degrees|{n} degrees turn
*now rotate {n} degrees|*can you turn by {n} degrees|*could you turn {n} degrees|*spin by {n} degrees|*make a {n} degrees turn"""
SCAN = """scan {n} times|scan {n}|look around {n} times|scan around {n} times|sweep {n} times|make {n} scans
scan the room {n} times|look around you {n} times|now scan {n} times|can you scan {n} times|do {n} scans
*could you scan {n} times|*now look around {n} times|*sweep around {n} times|*can you look around {n} times"""
STAND = """stand|stand up|get up|stand upright|stand still|stand straight|get on your feet|stand now|can you stand up
could you stand|I want you to stand|stand there|stand up straight|now stand
*now stand up|*can you stand|*could you stand up|*stand upright now"""
CROUCH = """crouch|crouch down|duck|get down|lower yourself|duck down|go down|crouch now|make yourself small
can you crouch|could you duck|get low|now crouch
*now crouch down|*can you crouch down|*could you crouch|*duck now"""
RISE = """rise|rise up|rise again|raise yourself|come up again|go up|rise now|can you rise|could you rise up|now rise
lift yourself up|come back up
*now rise up|*can you rise again|*could you rise|*raise yourself up"""
STOP = """stop|halt|freeze|stop now|stop there|stop it|stop moving|don't move|do not move|wait|stop right there|hold on
stop walking|halt now|freeze now|can you stop|stop at once|no further|halt at once|wait there|wait right there
stop everything|stop immediately|halt immediately|freeze immediately|stop right away|freeze there|halt there|stop turning
stop walking now|don't walk|do not walk|don't move at all|you must stop|halt right away|freeze at once|stop what you do
*halt right there|*stop right now|*now stop|*freeze right there|*don't move now"""

UNABLE = """fly|dance|sing|jump|swim|cook|sing a song|dance with me|jump over the {x}|fly to the {x}|fly to the moon|eat the {x}
make me a coffee|make a cake|write a poem|write a letter to my {p}|call my {p}|open the {x}|close the {x}|lock the {x}
fix the {x}|paint the {x}|buy a {x}|order a pizza|play music|play a song|play football|drive to {c}|drive the {x}
go shopping|bring me the {x}|give me the {x}|carry the {x}|lift the {x}|throw the {x}|wash the {x}|clean the {x}
clean the room|swim across the river|climb the {x}|climb the tree|kiss me|marry me|tell me a joke|tell a story
turn on the {x}|turn off the {x}|switch on the {x}|switch off the {x}|sell the {x}|pay the bill|send a message to my {p}
read the {x}|read a book|run a marathon|teach me {c}|translate this|ride the {x}|kick the {x}|make dinner|laugh
fly to {c}|book a flight to {c}|take a photo|take me to {c}|sleep|smoke|drink the {x}|repair the {x}|build a {x}
burn the {x}|break the {x}|cut the {x}|push the {x}|pull the {x}|hide the {x}|go to {c}|water the {x}|feed my {p}
*draw a picture|*sing for me|*dance on the {x}|*jump up|*fly over the {x}|*buy me a {x}|*bring the {x} to my {p}
*sing a song for my {p}|*make a {x}|*cook dinner|*lift me up|*drive me to {c}"""

UNABLE_VERBS = """dance sing jump swim cook draw paint laugh cry whistle smile fly drive climb write read play work sleep
 eat drink shout type bake clap hum pray hunt fish ski surf box skate vote shop dig sew knit iron weld fight hide
 explode rap bark hop vanish teleport juggle mow fry boil vacuum""".split()
UNABLE_TAILS = """|now|for me|with me|again|up and down|on the {x}|over the {x}|to the {x}|in the {x}|for my {p}|with my {p}
to {c}|a little|like a {p}|the {x}|a {x}|all day|here|outside|at once|to my {p}|up|into the {x}|near the {x}"""

SMALL = [("hello|hi|hey|good morning|good evening|hello there|hi there|good day|hi again|hey you|hello to you"
          "|good morning again|good afternoon|hey hey|*hey there|*hello again", "hello"),
         ("thanks|thank you|thank you very much|thanks a lot|many thanks|thanks so much|thank you again|well, thank you"
          "|thank you for that|*thank you so much", "You are welcome."),
         ("who are you|what is your name|what's your name|what are you called|tell me your name|tell me who you are"
          "|do you have a name|*what are you|*please tell me your name", "I am Cadmus."),
         ("how are you|how are you now|how do you do|how is it going|are you well|*how are you doing", "I am well."),
         ("goodbye|bye|bye bye|good night|see you|goodbye for now|bye then|goodbye my friend|good night then|see you then|*bye now|*goodbye then", "Goodbye.")]


def _split(text):
    every = text.replace("\n", "|").split("|")
    return [t for t in every if t[0] != "*"], [t[1:] for t in every if t[0] == "*"]


def _combined(held):
    """Verbs with tails; one in eight is held out, and what is held out by name is left out."""
    every = [(v + " " + t).strip() for v in UNABLE_VERBS for t in UNABLE_TAILS.replace("\n", "|").split("|")]
    return [t for t in every if W.held_out(t) and t not in held], [t for t in every if not W.held_out(t)
                                                                  and t not in held]


TEMPLATES = {k: _split(v) for k, v in list(globals().items())
             if k.isupper() and isinstance(v, str) and "|" in v and k != "UNABLE_TAILS"}
TEMPLATES["COMBINED"] = _combined(TEMPLATES["UNABLE"][1])[::-1]
SMALL = [(_split(a), b) for a, b in SMALL]

UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
 eighteen nineteen""".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(n, joint=" "):
    """1..999 in English words."""
    if n >= 100:
        rest = n % 100
        return UNITS[n // 100] + " hundred" + (" " + in_words(rest, joint) if rest else "")
    return UNITS[n] if n < 20 else TENS[n // 10 - 2] + (joint + UNITS[n % 10] if n % 10 else "")


class Corpus:
    """Draws examples. test: held-out phrasings; test_words: held-out names and things; shared: share of the views
    of two facts or more in which keys share a word (red box, blue box); capitals: share of commands in capitals."""

    def __init__(self, seed, test=False, test_words=None, shared=0.25, capitals=0.04):
        self.rng = random.Random(seed)
        self.shared, self.capitals = shared, capitals
        self.test = test
        self.test_words = test if test_words is None else test_words

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, kind):
        return self.rng.choice(TEMPLATES[kind][self.test])

    def stock(self, options):
        """A word of a list, on our side of the split (phrases go by their last word)."""
        return W.split_pick(self.rng, lambda r: r.choice(options), self.test_words)

    def fresh(self, **size):
        return W.split_pick(self.rng, lambda r: W.made_up(r, **size), self.test_words)

    # words -------------------------------------------------------------------------------------------------------
    def name(self):
        r = self.rng
        x = r.random()
        if x < 0.07:
            return W.split_pick(r, W.foreign, self.test_words).capitalize()
        one = self.stock(W.NAMES) if x < 0.45 else self.fresh(low=1, high=4).capitalize()
        if self.chance(0.12):
            one += " " + (self.stock(W.NAMES) if self.chance(0.5) else self.fresh().capitalize())
        return one.lower() if self.chance(0.12) else one

    def thing(self):
        """A thing and its verb."""
        r = self.rng
        if self.chance(0.25):
            noun, be = self.fresh(low=1, high=3), "is"
            if noun[-1] == "s":
                noun += "o"
            if self.chance(0.15):
                noun, be = noun + "s", "are"
        elif self.chance(0.25):
            noun, be = self.stock(W.MANY), "are"
        else:
            noun, be = self.stock(W.ONE), "is"
        x = r.random()
        if x < 0.35:
            noun = (r.choice(W.ADJECTIVES) if self.chance(0.8) else self.fresh(low=1, high=2)) + " " + noun
        elif x < 0.40:
            noun = r.choice(W.ADJECTIVES) + " " + r.choice(W.ADJECTIVES) + " " + noun
        elif x < 0.46:
            noun += " " + r.choice(["one", "two", "three", "4", "5", "12", "a", "b", "x", "number 7"])
            be = "is"
        return noun, be

    def state(self):
        return self.rng.choice(W.STATES) if self.chance(0.75) else self.fresh()

    def place(self):
        r = self.rng
        x = r.random()
        if x < 0.2:
            return r.choice(W.PLACES)
        noun = self.fresh() if self.chance(0.2) else None
        if x < 0.55:
            place = r.choice(["in", "in", "behind", "near", "outside"]) + " the " + (noun or self.stock(W.ROOMS))
        else:
            place = r.choice(["on", "on", "under", "behind", "near"]) + " the " + (noun or self.stock(W.SPOTS))
        if self.chance(0.15):
            head, noun = place.rsplit(" ", 1)
            place = head + " " + r.choice(W.ADJECTIVES) + " " + noun
        return place

    def mine(self):
        """A possession and what it is."""
        r = self.rng
        x = r.random()
        if x < 0.3:
            return r.choice(W.PETS), self.name()
        if x < 0.5:
            return r.choice(W.KIN), self.name()
        value = r.choice(W.LIKES) if self.chance(0.6) else self.fresh() if self.chance(0.6) else W.scribble(r)
        if x < 0.75:
            return r.choice(["favourite", "favourite", "favorite"]) + " " + r.choice(W.FAVOURITES), value
        if x < 0.9:
            return r.choice(W.OTHERS), value
        noun = self.fresh(low=1, high=3)
        return noun + "o" if noun[-1] == "s" else noun, value

    def seen(self):
        x = self.rng.random()
        if x < 0.75:
            return self.rng.choice("nothing|one face|two faces|three faces|four faces|five faces|six faces".split("|"))
        if x < 0.85:
            return self.rng.choice(["a ", "one ", "the "]) + self.stock(W.ONE)
        return self.name()

    def fact(self):
        """(kind, key, value, verb)"""
        x = self.rng.random()
        if x < 0.2:
            return "name", "name", self.name(), "is"
        if x < 0.30:
            return "seen", "seen", self.seen(), "is"
        if x < 0.52:
            k, be = self.thing()
            return "state", k, self.state(), be
        if x < 0.74:
            k, be = self.thing()
            return ("place" if self.chance(0.8) else "my place"), k, self.place(), be
        k, v = self.mine()
        return "mine", k, v, "is"

    def facts(self, n):
        """n facts with different keys, none the tail of another; often near-alike."""
        out = self.family(n) if n > 1 and self.chance(self.shared) else []
        while len(out) < n:
            kind, k, v, be = self.fact()
            if out and kind != "mine" and self.chance(0.25):
                k = self.alike(self.rng.choice(out)[1], k)
                be = "are" if k[-1] == "s" else "is"
            if kind not in ("name", "seen") and not self.clash(k, out):
                out.append((kind, k, v, be))
            elif kind == k and not any(f[1] == k for f in out):
                out.append((kind, k, v, be))
        self.rng.shuffle(out)
        return out

    def adjective(self):
        return self.rng.choice(W.ADJECTIVES) if self.chance(0.65) else self.fresh(low=1, high=2)

    def family(self, most):
        """Two to four facts whose keys share the noun; one family in eight shares the adjective instead."""
        r = self.rng
        n = min(most, r.choice([2, 2, 2, 3, 4]))
        noun, out = self.thing()[0].split()[-1], []
        first = self.adjective() if self.chance(0.125) else None
        while len(out) < n:
            k = first + " " + self.thing()[0].split()[-1] if first else self.adjective() + " " + noun
            kind = r.choice(["state", "state", "place", "place", "my place", "place" if k[-1] == "s" else "mine"])
            v = {"state": self.state, "mine": lambda: self.mine()[1]}.get(kind, self.place)()
            if not self.clash(k, out):
                out.append((kind, k, v, "are" if k[-1] == "s" else "is"))
        return out

    def alike(self, old, new):
        """The same noun with another adjective, or the same adjective with another noun."""
        if old in ("name", "seen") or new in ("name", "seen"):
            return new
        a, b = old.split(), new.split()
        if self.chance(0.5):
            return self.adjective() + " " + a[-1]
        return a[0] + " " + b[-1] if len(a) > 1 else new

    @staticmethod
    def clash(k, facts):
        return k in ("name", "seen") or any((" " + f[1]).endswith(" " + k) or (" " + k).endswith(" " + f[1])
                                            for f in facts)

    # turns -------------------------------------------------------------------------------------------------------
    def surface(self, text, mark):
        """Capital or not, with or without a mark at the end."""
        x = self.rng.random()
        if self.chance(0.35):
            text = text[0].upper() + text[1:]
        if x > 0.95 and mark == "?" and not text.endswith("please"):
            return text + self.rng.choice([" please", ", please"]) + mark
        return text + (mark if x < 0.7 else "")

    def ask(self, fact, known=True):
        kind, k, v, be = fact
        if kind == "name":
            text, answer = self.pick("ASK_NAME"), "Your name is %s." % v
        elif kind == "seen":
            text, answer = self.pick("ASK_SEEN"), "I see %s." % v
        elif kind == "mine":
            text, answer = self.pick("ASK_MY").format(k=k), "Your %s is %s." % (k, v)
        elif kind == "my place":
            text, answer = self.pick("ASK_MY_PLACE").format(k=k, be=be), "Your %s %s %s." % (k, be, v)
        else:
            text = self.pick("ASK_STATE" if kind == "state" else "ASK_PLACE")
            w = v if kind == "state" and known and self.chance(0.3) else self.state()
            text = text.format(k=k, be=be, w=w, w2=self.state())
            if be == "are":
                text = text.replace("where's", "where are")
            answer = "The %s %s %s." % (k, be, v)
        return self.surface(text, "?"), answer if known else UNKNOWN

    def unknown(self, facts):
        """A question for a key that the view lacks."""
        while True:
            f = self.fact()
            if facts and self.chance(0.4):
                old = self.rng.choice(facts)
                k = self.alike(old[1], f[1])
                if f[0] not in ("name", "seen", "mine") and old[0] not in ("name", "seen"):
                    f = (f[0], k, f[2], "are" if k[-1] == "s" else "is")
            if f[0] in ("name", "seen"):
                if not any(f[1] == g[1] for g in facts):
                    return self.ask(f, False)
            elif not self.clash(f[1], facts):
                return self.ask(f, False)

    def tell(self, facts):
        while True:
            kind, k, v, be = self.fact()
            if kind == "seen":
                continue
            if facts and self.chance(0.2):          # news about a known key
                old = self.rng.choice(facts)
                if old[0] == kind:
                    k, be = old[1], old[3]
            break
        if kind == "name":
            text, answer = self.pick("TELL_NAME"), "Hello %s." % v
        elif kind == "mine":
            text, answer = self.pick("TELL_MY"), "Noted, your %s is %s." % (k, v)
        elif kind == "my place":
            text = self.pick("TELL_MY_PUT" if self.chance(0.6) else "TELL_MY")
            if "called" in text or "call" in text or "name" in text or text.startswith("{v}"):
                text = "my {k} {be} {v}"
            answer = "Noted, your %s %s %s." % (k, be, v)
        else:
            text = self.pick("TELL_PUT" if kind == "place" and self.chance(0.4) else "TELL_THE")
            answer = "Noted, the %s %s %s." % (k, be, v)
        return self.surface(text.format(k=k, v=v, be=be), "." if self.chance(0.8) else "!"), \
            "%s #%s = %s" % (answer, k, v)

    def number(self, n):
        x = self.rng.random()
        return str(n) if x < 0.45 else in_words(n, "-") if x < 0.55 else in_words(n)

    def command(self):
        r = self.rng
        kind = r.choice("WALK WALK WALK TURN TURN TURN SCAN SCAN STAND CROUCH RISE STOP STOP".split())
        n = r.randint(1, 99) if self.chance(0.85) else 10 * r.randint(1, 9)
        if kind == "WALK":
            if self.chance(0.03) and not self.test:
                n = r.randint(100, 300)
            answer = MEM + SEP + numeral(n)
        elif kind == "TURN":
            n = 10 * r.randint(1, 36)
            answer = TET + SEP + numeral(n // 10)
        elif kind == "SCAN":
            n = n if self.chance(0.5) else r.randint(1, 12)
            answer = AYIN + SEP + numeral(n)
        else:
            answer = {"STAND": SAMEKH, "CROUCH": HET, "RISE": NUN, "STOP": TAW}[kind]
        text = self.pick(kind).format(n=self.number(n))
        if kind == "STOP" and self.chance(0.12):
            return self.shout()
        if self.chance(self.capitals):
            return text.upper() + r.choice([".", "!", "!!", ""]), answer
        if n == 1 and kind != "TURN":
            for w in ("steps", "paces", "times", "scans"):
                text = text.replace(" " + w, " " + w[:-1])
        x = r.random()
        if x < 0.12:
            text = "please " + text
        elif x < 0.2:
            text += " please"
        elif x < 0.24:
            text = r.choice(["hey, ", "ok, ", "now ", "robot, "]) + text
        return self.surface(text, r.choice([".", "!", ""])), answer

    def shout(self):
        """A stop in capitals."""
        text = self.rng.choice(["stop", "halt", "freeze"]) if self.chance(0.4) else self.pick("STOP")
        return text.upper() + self.rng.choice([".", "!", "!!", ""]), TAW

    def unable(self):
        text = self.pick("UNABLE" if self.chance(0.6) else "COMBINED").format(x=self.thing()[0], p=self.rng.choice(W.PETS + W.KIN),
                                          c=self.rng.choice(W.LIKES))
        if self.chance(0.2):
            text = self.rng.choice(["please ", "can you ", "could you "]) + text
        return self.surface(text, r"!" if self.chance(0.3) else "."), CANNOT

    def small(self, facts):
        told, answer = self.rng.choice(SMALL)
        text = self.rng.choice(told[self.test])
        if answer == "hello":
            name = [f[2] for f in facts if f[1] == "name"]
            answer = "Hello %s." % name[0] if name else "Hello."
        return self.surface(text, "?" if answer.startswith("I am") else "."), answer

    # whole examples ----------------------------------------------------------------------------------------------
    @staticmethod
    def view(facts):
        return "[" + "; ".join("%s = %s" % f[1:3] for f in facts) + "]"

    def turn(self, kind, facts, left):
        if kind == "recall" and left:
            return self.ask(left.pop())
        return {"recall": self.unknown, "unknown": self.unknown, "tell": self.tell,
                "command": lambda _: self.command(), "unable": lambda _: self.unable(), "small": self.small}[kind](facts)

    KINDS = ["recall"] * 32 + ["unknown"] * 15 + ["tell"] * 17 + ["command"] * 24 + ["unable"] * 7 + ["small"] * 5

    def example(self, most, turns, recall=0.0):
        """(view, [(said, answer), ...]) with up to `most` facts; recall: share of turns that are recall only."""
        r = self.rng
        n = r.randint(1, most) if self.chance(0.88) else 0
        facts = self.facts(n)
        left = list(facts)
        r.shuffle(left)
        kinds = ["recall" if self.chance(recall) else r.choice(self.KINDS) for _ in range(turns)]
        return self.view(facts), [self.turn(k, facts, left) for k in kinds]

    def copying(self):
        """A random text, then the same again: the first skill."""
        r = self.rng
        parts = [r.choice([self.name, self.state, self.place, self.fresh, lambda: W.scribble(r),
                           lambda: self.thing()[0]])() for _ in range(r.randint(1, 5))]
        text = r.choice([" ", "; ", " = "]).join(parts)
        return "[]", [(text, text)]


def prompt(view, said):
    return "%s\n> %s\n< " % (view, said)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("-n", type=int, default=20, help="examples to print")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--most", type=int, default=6, help="facts at most")
    p.add_argument("--held-out", action="store_true", help="from the held-out side")
    a = p.parse_args()
    c = Corpus(a.seed, a.held_out)
    for _ in range(a.n):
        view, turns = c.example(a.most, 1)
        print(prompt(view, turns[0][0]) + turns[0][1] + "\n")


if __name__ == "__main__":
    main()
