// The words of English grammar: the most frequent of all, which WordNet lacks or takes for something else (in: a unit of length).
import type { Definition } from "./model.ts";

/** Part of speech, then words with what they mean. */
const MEANINGS = `
article|the: points to one that is known or has been named|a: points to one of its kind, not named before|an: a, before the sound of a vowel
conjunction|and: joins words or clauses|or: joins things of which one holds or is chosen|but: joins what is in contrast|nor: and not, after another negation|if: on the condition that|than: introduces what something is compared with|that: introduces a clause; points to what is named or meant|because: for the reason that|although: in spite of the fact that|though: in spite of the fact that|unless: except if|while: during the time that; whereas|whereas: in contrast to the fact that|whether: introduces a choice between two|as: in the way that; while; since|lest: for fear that|until: up to the time that|till: up to the time that|once: as soon as; one time
preposition|of: belonging to; made from; about|to: in the direction of; marks the infinitive of a verb|in: within the bounds of; during|for: intended to help or belong to; because of; during|with: in the company of; by means of|on: touching and held by; about; at the time of|at: in the place or at the time of|by: next to; through the action of; not later than|from: beginning at; out of|into: to the inside of|upon: on|over: above; across; more than|under: below; less than|through: from one side to the other of|about: on the subject of; around; nearly|after: later than; behind|before: earlier than; in front of|between: in the space that separates two|among: in the midst of several|against: in opposition to; touching|during: in the course of|without: not having|within: inside; not beyond|toward: in the direction of|towards: in the direction of|above: higher than|below: lower than|behind: at the back of|beneath: under|beside: next to|beyond: on the farther side of|across: from one side to the other of|along: from end to end of|around: on every side of|off: away from|out: away from the inside|up: toward a higher place|down: toward a lower place|near: close to|since: from then till now; because|except: not including|like: similar to|amid: in the middle of|unto: to (old use)|via: by way of|per: for each|onto: to a place on
pronoun|i: the one who speaks or writes|you: the one or those who are spoken to|he: the man or boy that was named|she: the woman or girl that was named|it: the thing that was named|we: the one who speaks, and others|they: those that were named|me: I, as an object|him: he, as an object|her: she, as an object; belonging to her|us: we, as an object|them: they, as an object|my: belonging to me|your: belonging to you|his: belonging to him|its: belonging to it|our: belonging to us|their: belonging to them|mine: what belongs to me|yours: what belongs to you|hers: what belongs to her|ours: what belongs to us|theirs: what belongs to them|myself: me, as the one who acts|yourself: you, as the one who acts|himself: him, as the one who acts|herself: her, as the one who acts|itself: it, as the thing that acts|ourselves: us, as those who act|themselves: them, as those who act|this: points to what is near or just named|these: points to several that are near or just named|those: points to several that are farther off|who: asks for a person, or introduces a clause about one|whom: who, as an object|whose: belonging to whom or which|which: asks for one of several, or introduces a clause about a thing|what: asks for a thing; that which|one: a single person or thing|someone: some person|anyone: any person|everyone: every person|something: some thing|anything: any thing|everything: all things|nothing: no thing|none: not one|thee: you, as an object (old use)|thou: you, as one person (old use)|thy: your (old use)|ye: you (old use)
adverb|not: makes the contrary of what is said|so: to such a degree; for that reason|there: in that place; says that something exists|here: in this place|when: at what time; at the time that|where: in what place; in the place that|why: for what reason|how: in what way; to what degree|then: at that time; next|too: more than is wanted; also|very: to a high degree|now: at this time|only: no more than|just: a moment ago; exactly; no more than|also: in addition|even: says that something is surprising|again: one more time|ever: at any time|never: at no time|still: up to now; nevertheless|yet: up to now; nevertheless|thus: in this way; for that reason|therefore: for that reason|however: in contrast to that|whence: from where (old use)
determiner|all: the whole of; every one of|any: one or some, whichever|some: a number or amount that is not said|no: not any|each: every one, taken by itself|every: all, taken one by one|both: the one and the other|either: the one or the other|neither: not the one and not the other|such: of this kind|other: not the one that was named|another: one more; a different one|same: not another|own: belonging to the one named|more: in a greater number or degree|most: in the greatest number or degree|many: a large number of|much: a large amount of|few: a small number of|several: more than two, but not many
verb|will: says that something is to come|would: says what was to come, or what would be so under a condition|shall: says that something is to come, or must be|should: says what is right or expected|can: is able to|could: was able to; says what is possible|may: is allowed to; says what is possible|might: says what is possible|must: has to|ought: says what is right`;

/** Forms of verbs that say little by themselves; WordNet defines them. */
const AUXILIARIES = `be am is are was were been being have has had having do does did doing done don't doesn't didn't isn't aren't
wasn't weren't won't can't couldn't wouldn't shouldn't cannot i'm i've i'll i'd you're you've you'll he's she's it's we're we've
they're they've that's there's what's let's`;

export interface Grammar {
  find(word: string): Definition | undefined;
  /** What is left out of the most frequent words on request. */
  readonly stopWords: readonly string[];
}

export function createGrammar(): Grammar {
  const known = new Map<string, Definition>();
  for (const line of MEANINGS.trim().split("\n")) {
    const [partOfSpeech = "", ...meanings] = line.split("|");
    for (const meaning of meanings) {
      const [word = "", text = ""] = meaning.split(": ");
      known.set(word, {
        word,
        lemma: word,
        phonetic: null,
        partOfSpeech,
        definitions: text.split("; "),
        source: "grammar",
        isProvisional: false,
      });
    }
  }
  return {
    find: (word) => known.get(word),
    stopWords: [...known.keys(), ...AUXILIARIES.split(/\s+/)],
  };
}
