// The commonest words of languages, by which a text shows what it is written in: no other words are as sure or as cheap to see.

const LISTS: Readonly<Record<string, string>> = {
  en: "the of and to in is was that it he she for with as his her on at by be are not this have had but from they you i a an or we",
  de: "der die das und ist nicht ein eine einen dem den des zu mit sich auf für von im es er sie auch wir ich war als an",
  fr: "le la les des et est un une dans que qui pour pas sur au aux du de ce cette il elle nous vous avec sont par plus",
  es: "el la los las de y que en un una es por con no para se del al su lo como más pero sus este está son",
  it: "il lo la gli le di che e è un una per non con del della dei delle si da sono nel alla più anche come ma",
  pt: "o a os as de que e do da em um uma para é com não por se no na dos das mais como mas ao foi são",
  nl: "de het een en van is dat die niet op te zijn met voor aan er maar ook om als bij naar hij zij wij was",
  sv: "och att det som en är på för av med den inte till ett har om var jag han hon men de vi kan från",
  da: "og at det er en den af til på med for ikke som der et har jeg han hun men de vi kan fra blev",
  no: "og å det er en som på for av med den ikke til et har om var jeg han hun men de vi kan fra ble",
  fi: "ja on ei se että oli hän ovat mutta myös joka kun niin mitä tämä sen kuin minä me he ole olla",
  hu: "a az és hogy nem is egy van ez meg volt de csak azt már vagy mint ha én ő ki el",
  ro: "și de la în a cu pe nu o un că este din pentru care mai se ce sunt fi lui era sau",
  tr: "ve bir bu da de için ile çok ne gibi daha olan olarak o ben sen değil var ama kadar her",
  cs: "a je se na v že s to i do o z ale by jsem jako pro tak za po který byl si",
  ca: "el la els les de i que en un una és per amb no del al dels més com però són va aquest",
  pl: "i w na nie się z do to że jest o jak ale po za od co był czy dla tak być",
  ru: "и в не на что он с как это по но из у за от так же для она они мы вы был был было",
};

export const FUNCTION_WORD_LANGS: readonly string[] = Object.keys(LISTS);

/** Of each word the languages in which it is one, as indexes into FUNCTION_WORD_LANGS: a text has fewer words than they are. */
export const LANGS_OF_FUNCTION_WORD: ReadonlyMap<string, readonly number[]> = byWord(Object.values(LISTS));

/** No function word is longer. */
export const MAX_FUNCTION_WORD_UNITS = Math.max(
  ...[...LANGS_OF_FUNCTION_WORD.keys()].map(({ length }) => length),
);

function byWord(lists: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const langs = new Map<string, number[]>();
  for (const [lang, list] of lists.entries()) {
    for (const word of new Set(list.split(" "))) {
      const known = langs.get(word);
      if (known) known.push(lang);
      else langs.set(word, [lang]);
    }
  }
  return langs;
}
