/*
 * recall_test.c - is what answers a question among the first five?  A small corpus made by hand, asked by words, by
 * likeness, and by both.
 */
#include "memory/memory_testing.h"

static const struct {
	const char *user, *answer;
} corpus[] = {
	{ "my name is Ana and I live in Lisbon", "Hello Ana, noted that you live in Lisbon." },
	{ "the spare key of the shed hangs behind the kitchen door", "Noted: spare key, behind the kitchen door." },
	{ "remind me to water the tomatoes every evening", "I will remind you to water the tomatoes." },
	{ "my cat Tom is allergic to chicken", "Noted, Tom must not eat chicken." },
	{ "the left front leg makes a grinding noise when it turns",
			"I will walk slowly and report the noise of that leg." },
	{ "what is the battery level?", "The battery is at 74 percent." },
	{ "the dentist appointment is on Thursday at nine", "Dentist, Thursday at nine o'clock." },
	{ "I parked the car on the third level of the garage", "Car parked: garage, third level." },
	{ "grandmother's birthday is the fourth of May", "Noted, the fourth of May is grandmother's birthday." },
	{ "the wifi password was changed to something long yesterday", "I will ask for it when I need the network." },
	{ "do not enter the workshop while the saw is running", "I stay out of the workshop while the saw runs." },
	{ "the plumber says the boiler must be replaced before winter",
			"Boiler to be replaced before winter, says the plumber." },
	{ "I prefer tea without sugar in the morning", "Tea, no sugar, in the morning." },
	{ "the camera at the gate is dirty and sees nothing", "The gate camera needs cleaning." },
	{ "walk to the window and look outside", "I see two people and a bicycle." },
	{ "my sister Clara arrives by train from Porto on Saturday", "Clara, train from Porto, on Saturday." },
	{ "the neighbours complained about the music last night", "Next time I will lower the volume at ten." },
	{ "where did you put the screwdriver?", "The screwdriver lies on the workbench, beside the vice." },
	{ "the blue folder contains the insurance papers", "Insurance papers: in the blue folder." },
	{ "my blood pressure was 130 over 85 today", "Recorded: 130 over 85." },
	{ "the garden gate must be closed at night because of the foxes", "I will close the garden gate at night." },
	{ "learn the word obrigado, it means thank you", "Obrigado means thank you." },
	{ "the lamp in the hallway flickers", "I noted the flickering lamp in the hallway." },
	{ "the doctor prescribed two tablets of ibuprofen a day", "Two tablets of ibuprofen daily." },
	{ "how many steps did you walk today?", "I walked four hundred and twelve steps." },
	{ "the package with the new motor was delivered to the reception", "The motor's package is at the reception." },
	{ "my favourite colour is green", "Green it is." },
	{ "Paulo borrowed the ladder and brings it back on Monday", "Ladder: with Paulo until Monday." },
	{ "the floor in the kitchen is wet, be careful", "I will avoid the wet kitchen floor." },
	{ "the alarm code is known to Ana and Clara only", "I keep it so." },
};

static const struct {
	const char *question;
	unsigned answer; /* index in the corpus */
} questions[] = {
	{ "where is the key to the shed?", 1 }, { "what is the cat not allowed to eat?", 3 },
	{ "which leg is grinding?", 4 }, { "when is the dentist", 6 }, { "where did I park my car", 7 },
	{ "birthday of my grandmother", 8 }, { "what did the plumber say about the boiler", 11 },
	{ "how do I like my tea", 12 }, { "when does Clara arrive", 15 }, { "where are the insurance papers", 18 },
	{ "what was my blood pressure", 19 }, { "who borrowed the ladder", 27 }, { "where was the motor delivered",
			25 },
	/* other forms of the words, and slips of the finger: hardly a word in common */
	{ "watering tomato", 2 }, { "screwdrivers", 17 }, { "ibuprofene tablet", 23 }, { "flickring hallwy lamps", 22 },
	{ "neighbour complaints", 16 }, { "grinding noises", 4 }, { "insuranse paper", 18 },
			{ "delivery at receptoin", 25 },
	{ "cleaning cameras", 13 }, { "prescription of doctors", 23 }, { "birthdays", 8 },
};

static struct told w;
static uint64_t seqs[COUNT_OF(corpus)];

/* Questions whose answer is among the first five, in percent; `first`: is the first. */
static unsigned recall(double vector, unsigned from, unsigned to, unsigned *first) {
	struct score_weights weights = score_weights_default;
	unsigned found = 0;
	weights.vector = vector;
	*first = 0;
	for (unsigned i = from; i < to; i++) {
		struct memory_query q = { .text = questions[i].question, .weights = &weights };
		int n = memory_search(w.m, &q, w.hits, 5);
		CHECK(n >= 0);
		for (unsigned k = 0; k < (unsigned)n && w.hits[k].score.total > 0; k++)
			if (w.hits[k].of.seq == seqs[questions[i].answer]) {
				found++;
				*first += k == 0;
			}
	}
	*first = *first * 100 / (to - from);
	return found * 100 / (to - from);
}

static unsigned report(const char *what, double vector, unsigned from, unsigned to) {
	unsigned first, five = recall(vector, from, to, &first);
	printf("%-24s recall@5 %3u %%, first %3u %%\n", what, five, first);
	return five;
}

int main(void) {
	enum { PLAIN = 13, ALL = COUNT_OF(questions) };
	told_begin(&w);
	for (unsigned i = 0; i < COUNT_OF(corpus); i++)
		seqs[i] = told_turn(&w, "ana", "s", corpus[i].user, corpus[i].answer);
	told_follow(&w);
	unsigned words = report("words, plain", 0, 0, PLAIN), other = report("words, other forms", 0, PLAIN, ALL);
	unsigned like = report("likeness, plain", 1, 0, PLAIN), like_other = report("likeness, other forms", 1, PLAIN,
			ALL);
	double both_weight = score_weights_default.vector;
	unsigned both = report("both, plain", both_weight, 0, PLAIN), both_other = report("both, other forms",
			both_weight, PLAIN, ALL);
	CHECK(words >= 95 && like >= 90 && both >= 95);
	CHECK(other <= 60 && like_other >= 85 && both_other >= 85); /* what likeness is for */
	told_end(&w);
	return 0;
}
