//! Words: some that everybody uses, many that few do, drawn as Zipf has it.

use super::random::Random;

/// In what language somebody writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
    Russian,
    Japanese,
}

impl Language {
    /// The words that come first in any text.
    fn common(self) -> &'static str {
        match self {
            Self::English => {
                "the to and of a in is that for it you on we with this be are have not as at will if or \
                 from your can by but please would our they there so what time about which when meeting \
                 like also been project more some just week do know any need report work thanks new other \
                 than team should see order could how update up out send version get think good may only \
                 customer change first information these after contract because here question date before"
            }
            Self::German => {
                "die der und in zu den das nicht von für ist des sich mit dem dass er es ein ich auf so \
                 eine auch als an nach wie im können über möchte müssen Besprechung Grüße bis Anfrage \
                 Angebot später würde schön Termin Bestellung während größer Straße heißt"
            }
            Self::Russian => {
                "и в не на я быть он с что а по это она этот к но они мы весь который то из у свой вы о \
                 так год встреча отчет письмо пожалуйста спасибо договор вопрос неделя"
            }
            Self::Japanese => {
                "の に は を が と です ます ください おねがいします ありがとう よろしく これ それ について おくります かいぎ しりょう あした こちら"
            }
        }
    }

    /// What other words are made of.
    fn syllables(self) -> &'static str {
        match self {
            Self::English => {
                "ba con der el fa ger hin in ker lo men ner or per ra ser ta un ver wel pre sta tro gra \
                 bel com dis est fin mar ing ion ly ment ness ous ful sen cal dor lin mor"
            }
            Self::German => {
                "ge ver ab schl än un hör lich keit ung be stä rung grün en er tür sch ei au fen kel zu \
                 satz auf trag gel der"
            }
            Self::Russian => {
                "пре до ста ра бо та ние ость вы ход за при ве ли ко мо ры сы ле ни по го дер жи тель ский"
            }
            Self::Japanese => {
                "あ か さ た な は ま や ら わ い き し ち に ひ み り う く す つ ぬ ふ む ゆ る え け せ て ね へ め れ お こ そ と の ほ も よ ろ"
            }
        }
    }
}

/// The words of a language, and how often each is used.
#[derive(Debug)]
pub(super) struct Words {
    /// What is between two words.
    pub(super) between: &'static str,
    /// What ends a sentence.
    pub(super) end: &'static str,
    list: Vec<String>,
    /// Of each word: how many of `total` draws come to it or to one before it.
    upto: Vec<u64>,
    total: u64,
}

impl Words {
    /// Makes `count` words.
    pub(super) fn new(language: Language, count: u64) -> Self {
        let mut random = Random::of(&[language as u64, 0x776f_7264]);
        let parts: Vec<&str> = language.syllables().split(' ').collect();
        let mut list: Vec<String> = language.common().split(' ').map(str::to_owned).collect();
        while (list.len() as u64) < count {
            let syllables = random.between(2, 4);
            list.push((0..syllables).map(|_| random.pick(&parts)).collect());
        }
        let mut total = 0;
        let upto = (0..count)
            .map(|rank| {
                // Zipf and Mandelbrot: the second word is not half as common as the first.
                total += (1 << 40) / (rank * 10 + 27);
                total
            })
            .collect();
        let (between, end) = match language {
            Language::Japanese => ("", "。"),
            _ => (" ", "."),
        };
        Self {
            between,
            end,
            list,
            upto,
            total,
        }
    }

    /// A word, the common ones more often.
    pub(super) fn draw(&self, random: &mut Random) -> &str {
        let at = random.next() % self.total;
        let rank = self.upto.partition_point(|upto| *upto <= at);
        self.list.get(rank).expect("the last reaches the total")
    }

    /// A sentence of words, its first letter large, its end marked.
    pub(super) fn sentence(&self, random: &mut Random, out: &mut String) {
        for at in 0..random.between(5, 18) {
            let word = self.draw(random);
            if at == 0 {
                let mut letters = word.chars();
                out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                out.push_str(letters.as_str());
            } else {
                out.push_str(self.between);
                out.push_str(word);
            }
        }
        out.push_str(self.end);
        out.push_str(self.between);
    }

    /// Some words in a row, as in a subject.
    pub(super) fn phrase(&self, random: &mut Random, count: usize, out: &mut String) {
        for at in 0..count {
            if at > 0 {
                out.push_str(self.between);
            }
            out.push_str(self.draw(random));
        }
    }
}
