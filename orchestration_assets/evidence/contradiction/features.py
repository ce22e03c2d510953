"""What the alignment of two texts says about their relation, as numbers, and where they differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from orchestration_assets.evidence.contradiction.alignment import (
    AGREEING,
    Alignment,
    LinkKind,
    WordLink,
    align,
    gaps,
    opposites,
)
from orchestration_assets.evidence.contradiction.differences import (
    Difference,
    DifferenceKind,
    quantity_kind,
)
from orchestration_assets.evidence.contradiction.lexicon import lexicon
from orchestration_assets.evidence.contradiction.quantities import (
    COUNT,
    Quantity,
    comparable,
    ratio_apart,
)
from orchestration_assets.evidence.contradiction.readings import Word, read_text
from orchestration_assets.evidence.contradiction.roles import (
    accusative_exchange,
    exchange,
    kept,
)
from orchestration_assets.text.document_frequencies import document_frequencies

_VALENCE_SCALE: Final = 4.0
_MOST_SWAPS: Final = 24
_MOST_BARE: Final = 3
_BARE_COVERAGE: Final = 0.75


class PairFeatures(NamedTuple):
    """Of two texts, each in [0, 1] unless said otherwise; *in frame*: times the mean coverage.

    ``coverage_low`` and ``coverage_high``: the share of content words and quantities that have a
    partner, of the longer and of the shorter text. ``one_sided``: how unevenly the words without
    partner are spread. ``settled``: two turns that cancel out (*not deep*, *shallow*).
    """

    coverage_low: float
    coverage_high: float
    one_sided: float
    left_over_both: float
    quantity_conflict: float
    quantity_conflict_in_frame: float
    quantity_loose: float
    quantity_equal: float
    quantity_one_sided: float
    name_conflict: float
    name_conflict_in_frame: float
    negation_odd: float
    negation_odd_in_frame: float
    negation_settled: float
    opposite: float
    opposite_in_frame: float
    valence: float
    swap: float
    swap_settled: float
    cause: float
    cause_one_sided: float
    extent: float
    contrast: float
    single_gap: float
    many_gaps: float
    conflict_any: float
    conflicts_many: float
    conflict_and_gap: float
    name_and_gap: float
    conflict_beside_rest: float
    length_ratio: float


FEATURES: Final = PairFeatures._fields


@dataclass(frozen=True, slots=True)
class Evidence:
    """The features of a pair, and where its texts differ, the surest place first."""

    features: PairFeatures
    differences: tuple[Difference, ...]


def evidence(first: str, second: str) -> Evidence:
    """The features of two texts and their differences; symmetric but for the order of spans."""
    alignment = align(read_text(first), read_text(second))
    return _Weighing(alignment).evidence()


class _Weighing:
    """Gathers what an alignment shows; made for one pair and dropped."""

    def __init__(self, alignment: Alignment) -> None:
        self.alignment = alignment
        self.agreeing = [link for link in alignment.links if link.link in AGREEING]
        self.gaps = list(gaps(alignment))
        self.differences: list[Difference] = []
        matched = len(alignment.links) + len(alignment.equal) + 0.5 * len(alignment.unequal)
        sizes = [
            len(reading.words) + len(reading.quantities)
            for reading in (alignment.first, alignment.second)
        ]
        self.low = matched / max(*sizes, 1)
        self.high = min(1.0, matched / max(min(sizes), 1))
        self.sizes = sizes
        self.settled_roles = self.kept_roles = False
        self.bare = _bare_answers(alignment)
        if self.bare:
            # the question is the frame
            self.low = self.high = max(self.low, _BARE_COVERAGE)
        self.frame = self.low * 0.5 + self.high * 0.5
        self.partners = {link.first.position: link.second.position for link in alignment.links}
        self.partners |= {one.first: other.first for one, other in alignment.equal}

    def evidence(self) -> Evidence:
        a = self.alignment
        left, right = len(a.only_first), len(a.only_second)
        quantity, loose = self._quantities()
        name = self._names()
        odd, settled = self._polarity()
        swap, swap_settled = self._roles()
        self.settled_roles, self.kept_roles = swap_settled > 0, swap > 0
        opposite = self._opposites()
        if not self.agreeing and not self.bare:
            # without a word in common nothing is said of the same thing
            name = odd = opposite = 0.0
        cause, cause_one_sided = self._causes()
        extent = self._extent()
        contrast = self._contrast()
        valence = self._valence()
        conflict = max(quantity, name, odd, swap, 0.7 * opposite) * min(1.0, 2.0 * self.frame)
        typed_gaps = sum(1 for one, other in self.gaps if one and other)
        plain_gap = [
            (one, other)
            for one, other in self.gaps
            if one and other and not (_names(one) or _names(other))
        ]
        single = float(len(plain_gap) == 1 and typed_gaps == 1 and not conflict)
        if single:
            one, other = plain_gap[0]
            self._differ(DifferenceKind.WORDING, one, other, 0.3)
        beside = min(left, right) / 4 if not name else max(0, min(left, right) - 1) / 4
        features = PairFeatures(
            coverage_low=self.low,
            coverage_high=self.high,
            one_sided=abs(left - right) / max(left + right, 1),
            left_over_both=min(1.0, min(left, right) / 5),
            quantity_conflict=quantity,
            quantity_conflict_in_frame=quantity * self.frame,
            quantity_loose=loose,
            quantity_equal=min(1.0, len(a.equal) / 2),
            quantity_one_sided=float(bool(a.odd_first) != bool(a.odd_second)),
            name_conflict=name,
            name_conflict_in_frame=name * self.frame,
            negation_odd=odd,
            negation_odd_in_frame=odd * self.frame,
            negation_settled=settled,
            opposite=opposite,
            opposite_in_frame=opposite * self.frame,
            valence=valence,
            swap=swap,
            swap_settled=swap_settled,
            cause=cause,
            cause_one_sided=cause_one_sided,
            extent=extent,
            contrast=contrast,
            single_gap=single * self.frame,
            many_gaps=min(1.0, typed_gaps / 4),
            conflict_any=conflict,
            conflicts_many=float(
                sum(x >= 0.5 for x in (quantity, name, max(odd, opposite), contrast)) > 1
            ),
            conflict_and_gap=float(max(quantity, odd, opposite) >= 0.5 and bool(plain_gap)),
            name_and_gap=float(name >= 0.5 and bool(plain_gap)),
            conflict_beside_rest=conflict * min(1.0, beside),
            length_ratio=min(self.sizes) / max(*self.sizes, 1),
        )
        order = sorted(self.differences, key=lambda d: (-d.strength, d.first, d.second))
        return Evidence(features, tuple(order))

    def _differ(
        self,
        kind: DifferenceKind,
        one: Sequence[Word | Quantity],
        other: Sequence[Word | Quantity],
        strength: float,
        size: float = 1.0,
    ) -> None:
        self.differences.append(Difference(kind, _span(one), _span(other), strength, size))

    # quantities

    def _quantities(self) -> tuple[float, float]:
        """Conflict of values in the same place, and of values that only might be."""
        strict = loose = 0.0
        for one, other in self.alignment.unequal:
            kind = quantity_kind(one, other)
            placed = self._in_place(one, other)
            if comparable(one, other) == {COUNT}:
                strength = 0.3 + 0.7 * placed
            else:
                strength = 0.75 + 0.25 * placed
            self._differ(kind, (one,), (other,), 0.6 + 0.4 * strength, ratio_apart(one, other))
            if strength >= 0.5:
                strict = max(strict, strength)
            else:
                loose = max(loose, strength)
        if self.alignment.odd_first and self.alignment.odd_second:
            one, other = self.alignment.odd_first[0], self.alignment.odd_second[0]
            if self._in_place(one, other) >= 0.5:
                self._differ(DifferenceKind.AMOUNT, (one,), (other,), 0.6)
                loose = max(loose, 0.8)
        return strict, loose

    def _in_place(self, one: Quantity, other: Quantity) -> float:
        """How many of the neighbours of two quantities are partners: 0, 0.5 or 1."""
        hits = 0
        sizes = len(self.alignment.first.tokens), len(self.alignment.second.tokens)
        for way in (1, -1):
            edge_a = one.last if way > 0 else one.first
            edge_b = other.last if way > 0 else other.first
            ends = (sizes[0] - 1, sizes[1] - 1) if way > 0 else (0, 0)
            if (edge_a, edge_b) == ends:
                hits += 1
                continue
            for step in (1, 2, 3):
                partner = self.partners.get(edge_a + way * step)
                if partner is not None:
                    hits += abs(partner - edge_b) <= 3
                    break
        return min(1.0, 0.5 * hits)

    # names

    def _names(self) -> float:
        best = 0.0
        for one, other in self.gaps:
            names_a, names_b = _names(one), _names(other)
            if names_a and names_b:
                strength = min(1.0, max(map(_nameness, names_a)), max(map(_nameness, names_b)))
                if len(one) > 3 or len(other) > 3:
                    strength *= 0.7
                best = max(best, strength)
                self._differ(DifferenceKind.NAME, names_a, names_b, 0.5 + 0.5 * strength)
        if best:
            return best
        left = _names(self.alignment.only_first)
        right = _names(self.alignment.only_second)
        if left and right:
            best = 0.6 * min(max(map(_nameness, left)), max(map(_nameness, right)))
            self._differ(DifferenceKind.NAME, left[:1], right[:1], 0.3 + 0.3 * best)
        return best

    # negation and opposites

    def _polarity(self) -> tuple[float, float]:
        """Whether an odd number of turns lies between the texts, and whether turns cancel out."""
        a = self.alignment
        if None not in (a.first.reply, a.second.reply):
            if a.first.reply is a.second.reply:
                return 0.0, 0.0
            spans = [(r.tokens[0].start, r.tokens[0].end) for r in (a.first, a.second)]
            self.differences.append(Difference(DifferenceKind.NEGATION, spans[0], spans[1], 1.0))
            return 1.0, 0.0
        explicit = len(a.first.negations) - len(a.second.negations)
        turned = [link for link in a.links if link.link is LinkKind.NEGATED]
        opposed = [link for link in a.links if link.link is LinkKind.OPPOSITE]
        turns = explicit % 2 + len(turned) % 2
        verbs = lexicon().negative_verbs
        lone_a = [w for w in a.only_first if w.plain in verbs]
        lone_b = [w for w in a.only_second if w.plain in verbs]
        helpers = (explicit < 0 and lone_a) or (explicit > 0 and lone_b)
        if explicit % 2 and (opposed or turned or helpers):
            return 0.0, 1.0
        if a.first.exception != a.second.exception and explicit % 2:
            return 0.0, 0.7
        if turns % 2 == 0:
            return 0.0, float(turns == 2)
        if turned and not explicit:
            self._differ(DifferenceKind.NEGATION, (turned[0].first,), (turned[0].second,), 0.9)
            return 1.0, 0.0
        self._negation_spans()
        return 0.4 + 0.6 * self._negated_is_shared(), 0.0

    def _negation_spans(self) -> None:
        a = self.alignment
        spans = []
        for reading in (a.first, a.second):
            if reading.negations:
                at = reading.negations[0]
                behind = min(at + 2, len(reading.tokens) - 1)
                spans.append((reading.tokens[at].start, reading.tokens[behind].end))
            else:
                spans.append((0, 0))
        place = next((link for link in self.agreeing), None)
        if place is not None:
            near = self._nearest_to_negation()
            spans = [s if s != (0, 0) else near for s in spans]
        self.differences.append(
            Difference(DifferenceKind.NEGATION, spans[0], spans[1], 0.9 * self.frame + 0.1)
        )

    def _negated_is_shared(self) -> bool:
        """Whether the other text has a word of those around an unmatched negation."""
        a = self.alignment
        linked = (
            {link.first.position for link in a.links},
            {link.second.position for link in a.links},
        )
        for reading, partners in zip((a.first, a.second), linked, strict=True):
            places = [word.position for word in reading.words]
            for negation in reading.negations:
                behind = [place for place in places if place > negation][:2]
                before = [place for place in places if place < negation][-1:]
                if partners.intersection(behind or before):
                    return True
        return False

    def _nearest_to_negation(self) -> tuple[int, int]:
        """In the text without negation, the partner of the word behind the other's negation."""
        a = self.alignment
        negated_first = bool(a.first.negations)
        at = (a.first if negated_first else a.second).negations[0]
        links = sorted(
            self.agreeing,
            key=lambda link: (
                (place := (link.first if negated_first else link.second).position) < at,
                abs(place - at),
            ),
        )
        word = links[0].second if negated_first else links[0].first
        return word.start, word.end

    def _opposites(self) -> float:
        a = self.alignment
        opposed = [link for link in a.links if link.link is LinkKind.OPPOSITE]
        if not self.settled_roles and not self.kept_roles:
            opposed += [
                link
                for link in a.links
                if link.link is LinkKind.CONVERSE and opposites(link.first, link.second)
            ]
        if not opposed or (len(a.first.negations) - len(a.second.negations)) % 2:
            return 0.0
        for link in opposed:
            self._differ(
                DifferenceKind.POLARITY, (link.first,), (link.second,), 0.4 + 0.5 * self.frame
            )
        return 1.0 if len(opposed) % 2 else 0.6

    def _valence(self) -> float:
        """How far apart the tone of the words is that only one side has, where it is opposed."""
        valences = _valences()
        sums = []
        for words in (self.alignment.only_first, self.alignment.only_second):
            tones = [(valences.get(w.plain, 0.0), w) for w in words]
            sums.append(max(tones, key=lambda tone: abs(tone[0]), default=(0.0, None)))
        (x, word_x), (y, word_y) = sums
        if x * y >= 0 or word_x is None or word_y is None:
            return 0.0
        apart = min(1.0, min(abs(x), abs(y)) / _VALENCE_SCALE * 2)
        self._differ(DifferenceKind.POLARITY, (word_x,), (word_y,), 0.3 + 0.4 * apart)
        return apart

    # roles

    def _roles(self) -> tuple[float, float]:
        """Whether two words change places around a third, and whether a passive explains it."""
        a = self.alignment
        converse = next((link for link in a.links if link.link is LinkKind.CONVERSE), None)
        flips = (a.first.passive != a.second.passive) + (converse is not None)
        links = self.agreeing[:_MOST_SWAPS]
        swapped = exchange(links, self._pivots(converse), a.first, a.second, flips % 2 == 1)
        unchanged = kept(links, converse) if flips % 2 else None
        accusative = accusative_exchange(a.first, a.second, links)
        if accusative is not None:
            swapped, flips = accusative, 0
        if swapped is not None:
            x, y = swapped
            if flips % 2:
                return 0.0, 1.0
            self._differ(
                DifferenceKind.ROLE, (x.first, y.first), (y.second, x.second), 0.5 + 0.5 * self.low
            )
            return self.low**2, 0.0
        if unchanged is not None and self.low > 0.7:
            x, y = unchanged
            self._differ(
                DifferenceKind.ROLE, (x.first, y.first), (x.second, y.second), 0.5 + 0.4 * self.low
            )
            return self.low**2, 0.0
        return 0.0, 0.0

    def _pivots(self, converse: WordLink | None) -> list[tuple[int, int]]:
        """Token positions in both texts around which words may change places."""
        a = self.alignment
        pivots = [
            (link.first.position, link.second.position)
            for link in self.agreeing[:_MOST_SWAPS]
            if not link.first.name
        ]
        if converse is not None:
            pivots.append((converse.first.position, converse.second.position))
        causes = lexicon().causes
        for place in a.first.causes:
            plain = a.first.tokens[place].plain
            pivots += [
                (place, other)
                for other in a.second.causes
                if a.second.tokens[other].plain == plain and plain in causes
            ]
        return pivots

    # causes, extent, attributes

    def _causes(self) -> tuple[float, float]:
        """Both give a cause, and what stands behind the word for it differs."""
        a = self.alignment
        if not a.first.causes or not a.second.causes:
            return 0.0, float(bool(a.first.causes) != bool(a.second.causes))
        left = [w for w in a.only_first if w.position > a.first.causes[0]]
        right = [w for w in a.only_second if w.position > a.second.causes[0]]
        both = min(len(left), len(right))
        if not both:
            return 0.0, 0.0
        shared_before = any(link.first.position < a.first.causes[0] for link in self.agreeing)
        strength = min(1.0, both / 2) * (1.0 if shared_before else 0.5)
        self._differ(DifferenceKind.CAUSE, left, right, 0.3 + 0.5 * strength * self.high)
        return strength, 0.0

    def _extent(self) -> float:
        """One says all or only, the other some, half or except."""
        a, b = self.alignment.first, self.alignment.second
        whole_a, whole_b = a.universal and not a.partial, b.universal and not b.partial
        part_a, part_b = a.partial and not a.universal, b.partial and not b.universal
        if not ((whole_a and part_b) or (whole_b and part_a)):
            return 0.0
        table = lexicon()
        tokens = [
            next(
                (place, token)
                for place, token in enumerate(reading.tokens)
                if token.plain in (table.universal if whole else table.partial)
            )
            for reading, whole in ((a, whole_a), (b, whole_b))
        ]
        (place_a, token_a), (place_b, token_b) = tokens
        same = any(
            0 < link.first.position - place_a <= 3 and 0 < link.second.position - place_b <= 3
            for link in self.agreeing
        )
        self.differences.append(
            Difference(
                DifferenceKind.EXTENT,
                (token_a.start, token_a.end),
                (token_b.start, token_b.end),
                0.5 if same else 0.35,
            )
        )
        return 1.0 if same else 0.4

    def _contrast(self) -> float:
        links = [link for link in self.alignment.links if link.link is LinkKind.CONTRAST]
        for link in links:
            self._differ(DifferenceKind.WORDING, (link.first,), (link.second,), 0.35)
        return float(bool(links))


def _bare_answers(alignment: Alignment) -> bool:
    """Whether both answers are only a yes or no, a name or a value."""
    return all(
        reading.reply is not None
        or (
            0 < len(reading.words) + len(reading.quantities) <= _MOST_BARE
            and all(word.name or word.opening for word in reading.words)
            and len(reading.tokens) <= 2 * _MOST_BARE
        )
        for reading in (alignment.first, alignment.second)
    )


def _span(pieces: Sequence[Word | Quantity]) -> tuple[int, int]:
    return min(piece.start for piece in pieces), max(piece.end for piece in pieces)


def _names(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(word for word in words if word.name or word.opening)


@cache
def _common() -> Mapping[str, int]:
    return document_frequencies()[0]


def _nameness(word: Word) -> float:
    """A word inside a sentence with a capital is a name; one that opens it, where it is rare."""
    if word.name:
        return 1.0
    return 0.25 if word.plain in _common() or word.key in _common() else 0.7


@cache
def _valences() -> Mapping[str, float]:
    """Words rated by people from -4 to 4 (vaderSentiment; Hutto and Gilbert 2014)."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    table: Mapping[str, float] = SentimentIntensityAnalyzer().lexicon
    return table
