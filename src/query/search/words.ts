// Words of a text, in any script, as a search compares them. Knows no rows.

/** Scripts that are written without spaces between words. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const WORD = /[\p{L}\p{N}\p{M}]+/gu
/** Katakana apart from what stands beside it: a loan word is one of its own within a compound, as in 東京タワー. */
const ONE_SCRIPT = /[\p{Script=Katakana}ー]+|[^\p{Script=Katakana}ー]+/gu
const LATIN_MARKS = /[\u0300-\u036f]/g

const segmenter: Intl.Segmenter | undefined =
  typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'word' }) : undefined

/** The words of a text: runs of letters and digits; where a script has no spaces, what `Intl.Segmenter` takes for words. */
export const wordsOf = (text: string): string[] => {
  const runs = text.normalize('NFKC').match(WORD) ?? []
  return UNSPACED.test(text) ? runs.flatMap((run) => (UNSPACED.test(run) ? segment(run) : run)) : runs
}

/** A word as it is compared: in small letters, without the accents of Latin letters. */
export const foldWord = (word: string): string =>
  word.toLowerCase().normalize('NFD').replace(LATIN_MARKS, '').normalize('NFC')

/** Without a segmenter, every character is a word. */
const segment = (run: string): string[] =>
  segmenter === undefined
    ? [...run]
    : Array.from(segmenter.segment(run)).flatMap(({ segment, isWordLike }) =>
        isWordLike === false ? [] : (segment.match(ONE_SCRIPT) ?? []),
      )
