// Irregular forms of common English words, for which WordNet has lists of exceptions that the package of its files lacks.

const VERBS = `
be am is are was were been being|have has had having|do does did done|go goes went gone|say said|make made|take took taken
come came|see saw seen|know knew known|get got gotten|give gave given|find found|think thought|tell told|become became
leave left|feel felt|bring brought|begin began begun|keep kept|hold held|write wrote written|stand stood|hear heard|mean meant
meet met|run ran|pay paid|sit sat|speak spoke spoken|lie lay lain lying|lead led|grow grew grown|lose lost|fall fell fallen
send sent|build built|understand understood|draw drew drawn|break broke broken|spend spent|rise rose risen|drive drove driven
buy bought|wear wore worn|choose chose chosen|eat ate eaten|fly flew flown|forget forgot forgotten|forgive forgave forgiven
freeze froze frozen|hide hid hidden|know knew known|ride rode ridden|ring rang rung|shake shook shaken|sing sang sung
sink sank sunk|steal stole stolen|strike struck stricken|swear swore sworn|swim swam swum|tear tore torn|throw threw thrown
wake woke woken|win won|bear bore borne|beat beaten|bend bent|bite bit bitten|bleed bled|blow blew blown|breed bred
catch caught|cling clung|creep crept|deal dealt|dig dug|drink drank drunk|dwell dwelt|feed fed|fight fought|flee fled
fling flung|hang hung|kneel knelt|lay laid|lend lent|light lit|seek sought|sell sold|shine shone|shoot shot|sleep slept
slide slid|spin spun|spring sprang sprung|stick stuck|sting stung|sweep swept|swing swung|teach taught|weep wept|wind wound
shrink shrank shrunk|arise arose arisen|awake awoke awoken|bind bound|die dying|tie tying|behold beheld|foresee foresaw foreseen
undergo underwent undergone|undertake undertook undertaken|withdraw withdrew withdrawn|overcome overcame|sew sewn|show shown
sow sown|stride strode|strive strove striven|weave wove woven|shut shutting|set setting|put putting|cut cutting|sit sitting
run running|get getting|begin beginning|swim swimming|stop stopped stopping|plan planned planning|hit hitting|let letting`;

const NOUNS = `
man men|woman women|child children|person people|foot feet|tooth teeth|goose geese|mouse mice|louse lice|ox oxen|leaf leaves
life lives|wife wives|knife knives|wolf wolves|half halves|shelf shelves|self selves|calf calves|loaf loaves|thief thieves
elf elves|hoof hooves|wharf wharves|scarf scarves|datum data|medium media|criterion criteria|phenomenon phenomena|index indices
matrix matrices|vertex vertices|analysis analyses|basis bases|crisis crises|thesis theses|hypothesis hypotheses|axis axes
oasis oases|cactus cacti|fungus fungi|nucleus nuclei|radius radii|stimulus stimuli|alumnus alumni|bacterium bacteria
curriculum curricula|memorandum memoranda|stratum strata|larva larvae|formula formulae|antenna antennae|die dice|penny pence
brother brethren|gentleman gentlemen|fisherman fishermen|whaleman whalemen|seaman seamen|hero heroes|echo echoes|quiz quizzes`;

const ADJECTIVES = `
good better best|bad worse worst|far farther farthest further furthest|little less least|many more most|old elder eldest
big bigger biggest|hot hotter hottest|sad sadder saddest|thin thinner thinnest|fat fatter fattest|wet wetter wettest`;

export interface IrregularForms {
  readonly noun: ReadonlyMap<string, string>;
  readonly verb: ReadonlyMap<string, string>;
  readonly adj: ReadonlyMap<string, string>;
}

/** By form, the word it is a form of. */
export function readIrregularForms(): IrregularForms {
  return { noun: toForms(NOUNS), verb: toForms(VERBS), adj: toForms(ADJECTIVES) };
}

function toForms(text: string): ReadonlyMap<string, string> {
  const forms = new Map<string, string>();
  for (const group of text.trim().split(/[|\n]/)) {
    const [lemma = "", ...others] = group.trim().split(/\s+/);
    for (const form of others) forms.set(form, lemma);
  }
  return forms;
}
