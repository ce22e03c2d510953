"""Reads the numbers, amounts, dates and times of a text from its tokens."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from orchestration_assets.evidence.contradiction.lexicon import lexicon
from orchestration_assets.evidence.contradiction.numerals import adds, figure, roman
from orchestration_assets.evidence.contradiction.quantities import (
    CLOCK,
    CLOCK_UTC,
    COUNT,
    DAY,
    MONTH,
    ORDINAL,
    PER,
    SHARE,
    WEEKDAY,
    YEAR,
    Quantity,
)
from orchestration_assets.evidence.contradiction.tokens import Token

_MINUTES: Final = 1440
_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_CLOCK: Final = re.compile(r"(\d{1,2})[:h](\d{2})")
_NUMERIC_DATE: Final = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{2,4})")
_QUARTER: Final = re.compile(r"[qt]([1-4])")
_VERSION: Final = re.compile(r"v(\d+(?:\.\d+)*)")
_ORDINAL_ENDINGS: Final = frozenset("st nd rd th er re eme e o a".split())
_EVENING: Final = frozenset(
    "pm evening afternoon abends nachmittags soir tarde noche night nachts".split()
)
_MORNING: Final = frozenset("am morning morgens vormittags matin manana madrugada".split())
_CURRENCIES: Final = frozenset("$ \u20ac \u00a3 \u00a5 eur usd gbp chf jpy".split())
_ONE: Final = frozenset("a an one ein eine einen einem einer une un una uno uma een".split())
_PERIODICALLY: Final = frozenset("daily weekly monthly quarterly yearly annually hourly".split())
_EVERY: Final = frozenset("every each per pro par cada".split())
_LARGE_ONES: Final = frozenset("and und et y e of de von di d".split())


def quantities_of(tokens: Sequence[Token]) -> list[Quantity]:
    """The quantities of a text in their order; no token is in two of them."""
    reader = _Reader(tokens)
    openers = _openers()
    position = 0
    while position < len(tokens):
        plain = tokens[position].plain
        if plain in openers or not plain.isalpha() or tokens[position].written.isupper():
            position = max(reader.read(position), position + 1)
        else:
            position += 1
    return reader.quantities


@cache
def _openers() -> frozenset[str]:
    """The words with which a quantity can begin."""
    words = lexicon()
    durations = {
        name for name, senses in words.units.items() if senses[0][0] == "duration" and len(name) > 2
    }
    return _ONE.union(
        words.cardinals,
        words.scales,
        words.ordinals,
        words.fractions,
        words.multiples,
        words.frequencies,
        words.months,
        words.weekdays,
        words.seasons,
        words.clock_words,
        _PERIODICALLY,
        _EVERY,
        _CURRENCIES,
        durations,
    )


_JOINED: Final = frozenset({"duration", "length", "mass"})
_OF: Final = frozenset({"of", "de", "d"})
_OF_A: Final = _OF | {"a", "an"}
_DOZENS: Final = frozenset("dozen dutzend douzaine docena dozzina".split())
_MOST_OF: Final = 100.0
_TEMPERATURES: Final[Mapping[str, Callable[[float], tuple[str, float]]]] = {
    "temperature C": lambda value: ("temperature", value + 273.15),
    "temperature F": lambda value: ("temperature", (value - 32.0) / 1.8 + 273.15),
}


class _Reader:
    """Reads quantities from left to right; each method gives the position behind what it read, or
    the position itself where nothing of its sort begins there."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.quantities: list[Quantity] = []
        self.words = lexicon()

    def read(self, at: int) -> int:
        for reading in (self._date, self._clock, self._amount, self._word):
            behind = reading(at)
            if behind > at:
                return behind
        return at

    def plain(self, at: int) -> str:
        return self.tokens[at].plain if 0 <= at < len(self.tokens) else ""

    def add(
        self,
        senses: Sequence[tuple[str, float]],
        first: int,
        behind: int,
        number: float = 0.0,
        resolution: float = 0.0,
    ) -> None:
        approximate = any(self.plain(first - back) in self.words.approximate for back in (1, 2))
        self.quantities.append(
            Quantity(
                tuple(senses),
                number,
                resolution,
                approximate,
                first,
                behind - 1,
                self.tokens[first].start,
                self.tokens[behind - 1].end,
            )
        )

    # dates

    def _date(self, at: int) -> int:
        token = self.tokens[at]
        if match := _ISO.fullmatch(token.plain):
            self._add_date(at, at + 1, (float(match[3]),), (float(match[2]),), float(match[1]))
            return at + 1
        if match := _NUMERIC_DATE.fullmatch(token.plain):
            day, month = float(match[1]), float(match[2])
            year = float(match[3]) + (2000 if len(match[3]) == 2 else 0)
            either = (day, month) if "/" in token.plain and day <= 12 and month <= 12 else ()
            if day <= 31 and month <= 12:
                self._add_date(at, at + 1, either or (day,), either or (month,), year)
                return at + 1
            if month <= 31 and day <= 12:
                self._add_date(at, at + 1, (month,), (day,), year)
                return at + 1
        if token.plain in self.words.weekdays and (
            len(token.plain) > 3 or token.written[0].isupper()
        ):
            self.add(((WEEKDAY, self.words.weekdays[token.plain]),), at, at + 1)
            return at + 1
        return self._day_and_month(at)

    def _add_date(
        self,
        at: int,
        behind: int,
        days: Sequence[float],
        months: Sequence[float],
        year: float | None,
    ) -> None:
        if days:
            self.add([(DAY, day) for day in days], at, behind)
        if months:
            self.add([(MONTH, month) for month in months], at, behind)
        if year is not None:
            self.add(((YEAR, year),), at, behind)

    def _month(self, at: int) -> float | None:
        month = self.words.months.get(self.plain(at))
        # may, march, mars: verbs and names unless capitalised
        if month is not None and (
            self.tokens[at].written[0].isupper()
            or not self.tokens[at].written.isascii()
            or self.plain(at) not in ("may", "march", "mar", "mars", "jan", "dec", "sep", "mai")
        ):
            return month
        return None

    def _day(self, at: int) -> tuple[float, int] | None:
        """The day of the month at a position, and the position behind it."""
        plain = self.plain(at)
        if plain.isdecimal() and len(plain) <= 2 and 1 <= int(plain) <= 31:
            behind = at + 1
            if self.plain(behind) in _ORDINAL_ENDINGS and self._adjacent(behind):
                behind += 1
            return float(plain), behind
        value = self.words.ordinals.get(plain)
        return None if value is None else (value, at + 1)

    def _day_and_month(self, at: int) -> int:
        day = self._day(at)
        if day is not None:
            behind = day[1]
            while self.plain(behind) in ("of", "de", "del", "the"):
                behind += 1
            month = self._month(behind) if behind < len(self.tokens) else None
            if month is not None and (behind == day[1] or self.plain(at).isdecimal()):
                self._with_year(at, behind + 1, (day[0],), month)
                return self._end
        month = self._month(at)
        if month is None:
            return at
        after = self._day(at + 1) if at + 1 < len(self.tokens) else None
        if after is not None and self.plain(at + 1).isdecimal():
            self._with_year(at, after[1], (after[0],), month)
        else:
            self._with_year(at, at + 1, (), month)
        return self._end

    def _with_year(self, at: int, behind: int, days: Sequence[float], month: float) -> None:
        year = None
        place = behind + (self.plain(behind) in ("de", "del", "of"))
        if re.fullmatch(r"[12]\d{3}", self.plain(place)):
            year, behind = float(self.plain(place)), place + 1
        self._add_date(at, behind, days, (month,), year)
        self._end = behind

    def _adjacent(self, at: int) -> bool:
        return at < len(self.tokens) and self.tokens[at - 1].end == self.tokens[at].start

    # times of day

    def _clock(self, at: int) -> int:
        token = self.tokens[at]
        minutes: float | None = None
        behind = at + 1
        exact = False
        if match := _CLOCK.fullmatch(token.plain):
            if int(match[1]) > 24 or int(match[2]) > 59:
                return at
            minutes = int(match[1]) * 60.0 + int(match[2])
            exact = match[1].startswith("0") or minutes >= 13 * 60
        elif token.plain in self.words.clock_words:
            minutes, exact = self.words.clock_words[token.plain], True
        elif (hour := self._hour(at)) is not None and self._says_half_of_day(at + 1):
            whole, _, part = token.plain.partition(".")
            minutes = float(part) + int(whole) * 60 if part.isdecimal() else hour * 60
        elif token.plain.isdecimal() and self.plain(at + 1) in ("uhr", "oclock", "heures"):
            hour = self._hour(at)
            if hour is None:
                return at
            minutes, behind, exact = hour * 60, at + 2, True
        elif token.plain == "a" and self.plain(at + 1) == "quarter":
            behind = self._spoken_clock(at + 1)
            return behind if behind > at + 1 else at
        else:
            return self._spoken_clock(at)
        if self.plain(behind) in ("uhr", "h"):
            behind, exact = behind + 1, True
        return self._add_clock(at, behind, minutes, exact)

    def _hour(self, at: int) -> float | None:
        plain = self.plain(at)
        whole = plain.partition(".")[0]
        value = float(whole) if whole.isdecimal() and len(whole) <= 2 else None
        if value is None:
            value = 1.0 if plain in _ONE and plain == "one" else self.words.cardinals.get(plain)
        return value if value is not None and 0 <= value <= 24 else None

    def _says_half_of_day(self, at: int) -> bool:
        """*p.m.*, *pm*, *a.m.*; the dots part the letters."""
        return self.plain(at) in ("pm", "am") or (
            self.plain(at) in ("p", "a") and self.plain(at + 1) == "m"
        )

    def _spoken_clock(self, at: int) -> int:
        """*quarter past eight*, *ten to nine*, *halb neun*."""
        plain, behind = self.plain(at), at + 1
        part = (
            15.0
            if plain in ("quarter", "viertel")
            else 30.0
            if plain in ("half", "halb")
            else self.words.cardinals.get(plain)
        )
        if part is None:
            return at
        turn = self.plain(behind)
        if plain == "halb" and (hour := self._hour(behind)) is not None:
            return self._add_clock(at, behind + 1, hour * 60 - 30, False)
        if turn not in ("past", "to", "nach", "vor") or part > 30:
            return at
        hour = self._hour(behind + 1)
        if hour is None or (turn == "to" and plain not in ("quarter", "ten", "twenty", "five")):
            return at
        sign = 1 if turn in ("past", "nach") else -1
        return self._add_clock(at, behind + 2, hour * 60 + sign * part, False)

    def _add_clock(self, at: int, behind: int, minutes: float, exact: bool) -> int:
        near = {self.plain(place) for place in range(behind, behind + 3)}
        before = {self.plain(at - 1), self.plain(at - 2)}
        if self._says_half_of_day(behind):
            evening = self.plain(behind)[0] == "p"
            behind += 1 if self.plain(behind) in ("pm", "am") else 2
            options = {minutes % 720 + (720 if evening else 0)}
        elif exact:
            options = {minutes % _MINUTES}
        elif (near | before) & _EVENING:
            options = {minutes % 720 + 720}
        elif (near | before) & _MORNING:
            options = {minutes % 720}
        else:
            options = {minutes % 720, minutes % 720 + 720}
        senses = [(CLOCK, option % _MINUTES) for option in sorted(options)]
        zone, behind = self._zone(behind)
        if zone is not None:
            senses += [(CLOCK_UTC, (value - zone) % _MINUTES) for _, value in tuple(senses)]
        self.add(senses, at, behind)
        return behind

    def _zone(self, at: int) -> tuple[float | None, int]:
        for name, minutes in self.words.zone_names.items():
            if tuple(self.plain(at + place) for place in range(len(name))) == name:
                return minutes, at + len(name)
        written = self.tokens[at].written if at < len(self.tokens) else ""
        if written.isupper() and self.plain(at) in self.words.zones:
            return self.words.zones[self.plain(at)], at + 1
        return None, at

    # amounts

    def _amount(self, at: int) -> int:
        currency = self.plain(at) if self.plain(at) in _CURRENCIES else ""
        first = at + bool(currency)
        number = self._number(first)
        if number is None:
            return at
        value, step, behind, spelled, kind = number
        if kind == ORDINAL:
            return self._ordinal(at, behind, value)
        if self.plain(at - 1) == "minus":
            value = -value
        if currency:
            senses = [(d, value * f) for d, f in self.words.units[currency]]
            self.add(senses, at, behind, value, step * senses[0][1] / value if value else step)
            return self._per(behind)
        if self.plain(behind) == "s" and self._adjacent(behind) and 1000 <= value <= 2199:
            self.add((("decade", value),), at, behind + 1, value, 0.0)
            return behind + 1
        unit = self._unit(behind, kind == SHARE)
        if unit is not None:
            factors, after = unit
            if self.plain(after) in _LARGE_ONES and self.plain(after + 1) in _ONE:
                half = self.words.fractions.get(self.plain(after + 2))
                if half is not None:  # a year and a half
                    value, after = value + half, after + 3
            senses = [
                _TEMPERATURES[dimension](value)
                if dimension in _TEMPERATURES
                else (dimension, value * factor)
                for dimension, factor in factors
            ]
            self.add(senses, at, after, value, step * factors[0][1])
            self._join(factors[0][1])
            return self._per(after)
        if (share := self._one_in_so_many(at, behind, value)) is not None:
            return share
        if kind == "bare one":
            return at
        if kind == SHARE:
            # to double is to rise by 100 %
            rises = ((SHARE, value - 1.0),) if value >= 2.0 else ()
            self.add(((SHARE, value), *rises), at, behind, value, 0.0)
            return self._per(behind)
        senses = [(COUNT, value)]
        plain = self.plain(first)
        if not spelled and len(plain) == 4 and plain.isdecimal() and 1000 <= value <= 2199:
            senses.append((YEAR, value))
        self.add(senses, at, behind, value, step)
        return self._per(behind)

    def _join(self, factor: float) -> None:
        """*1 h 30 min*, *5 feet 3 inches*: the second part belongs to the first."""
        if len(self.quantities) < 2:
            return
        whole, part = self.quantities[-2:]
        dimension = part.senses[0][0]
        between = [self.plain(place) for place in range(whole.last + 1, part.first)]
        if (
            dimension != whole.senses[0][0]
            or dimension not in _JOINED
            or between not in ([], ["and"], ["und"], ["et"], ["y"], ["e"])
            or part.number * factor >= whole.senses[0][1] / max(abs(whole.number), 1.0)
        ):
            return
        total = whole.senses[0][1] + part.senses[0][1]
        self.quantities[-2:] = [
            replace(
                whole,
                senses=((dimension, total),),
                resolution=part.resolution,
                last=part.last,
                end=part.end,
            )
        ]

    def _one_in_so_many(self, at: int, behind: int, value: float) -> int | None:
        """*one in five*, *nine out of ten*: a share."""
        turn = self.plain(behind)
        place = behind + (2 if turn == "out" and self.plain(behind + 1) == "of" else 1)
        if turn not in ("in", "out") or not 0 < value < _MOST_OF or place >= len(self.tokens):
            return None
        whole = self._number(place)
        if whole is None or whole[4] != COUNT or not value < whole[0] <= _MOST_OF:
            return None
        if self._unit(whole[2]) is not None or self.plain(whole[2]) in self.words.months:
            return None
        self.add(((SHARE, value / whole[0]),), at, whole[2], value, 0.0)
        return whole[2]

    def _number(self, at: int) -> tuple[float, float, int, bool, str] | None:
        """Value, step of its last digit, position behind, whether in words, and its sort."""
        plain = self.plain(at)
        if not plain:
            return None
        signed = plain[0] in "-\u2212"
        if signed or plain[0].isdecimal():
            value, step = figure(plain[1:] if signed else plain)
            if value is None:
                return None
            value = -value if signed else value
            behind = at + 1
            if self.plain(behind) in _ORDINAL_ENDINGS and self._adjacent(behind):
                return value, 1.0, behind + 1, False, ORDINAL
            if self.plain(behind) in ("x", "times", "mal", "fois", "veces"):
                behind += 1
            scale = self.words.scales.get(self.plain(behind))
            if scale is not None and (len(self.plain(behind)) > 1 or self._adjacent(behind)):
                value, step, behind = value * scale, step * scale, behind + 1
            return value, step, behind, False, COUNT
        return self._spelled(at)

    def _spelled(self, at: int) -> tuple[float, float, int, bool, str] | None:
        words = self.words
        plain = self.plain(at)
        if plain in _ONE:
            fraction = words.fractions.get(self.plain(at + 1))
            if fraction is not None and (fraction < 1):
                return fraction, 0.0, at + 2, True, SHARE
            if self.plain(at + 1) in words.scales:
                scale = words.scales[self.plain(at + 1)]
                return scale, scale if scale > 100 else 1.0, at + 2, True, COUNT
            if self.plain(at + 1) in words.cardinals and self.plain(at + 1) in ("dozen", "score"):
                return words.cardinals[self.plain(at + 1)], 1.0, at + 2, True, COUNT
            return 1.0, 1.0, at + 1, True, "bare one"
        if plain in words.cardinals:
            return self._cardinal(at)
        if plain in words.frequencies and (
            plain not in ("once", "einmal") or self.plain(at + 1) in words.per
        ):
            return words.frequencies[plain], 1.0, at + 1, True, COUNT
        if plain in words.scales and len(plain) > 2 and plain not in ("mille", "mil"):
            return words.scales[plain], words.scales[plain], at + 1, True, COUNT
        if plain in words.multiples:
            return words.multiples[plain], 0.0, at + 1, True, SHARE
        if plain in words.fractions and words.fractions[plain] == 0.5:
            if self.plain(at + 1) in _ONE and self.plain(at + 2) in _DOZENS:
                return 6.0, 1.0, at + 3, True, COUNT
            return 0.5, 0.0, at + 1, True, SHARE
        if plain in words.ordinals and plain not in ("second", "seconds"):
            return words.ordinals[plain], 1.0, at + 1, True, ORDINAL
        return None

    def _cardinal(self, at: int) -> tuple[float, float, int, bool, str]:
        words = self.words
        total, behind = words.cardinals[self.plain(at)], at + 1
        step = 1.0
        while True:
            plain = self.plain(behind)
            joined = behind + (plain in ("and", "und", "y", "et", "e"))
            following = words.cardinals.get(self.plain(joined))
            if plain in words.scales and len(plain) > 1:
                low = total % 1000 if words.scales[plain] == 100 else total
                total = total - low + low * words.scales[plain]
                step = max(step, words.scales[plain] if words.scales[plain] > 100 else 1.0)
                behind += 1
            elif following is not None and adds(total, following):
                total, behind, step = total + following, joined + 1, 1.0
            elif plain in _DOZENS:
                total, behind = total * 12.0, behind + 1
            elif plain in ("times", "mal", "fois", "veces"):
                return total, step, behind + 1, True, COUNT
            elif plain in words.fractions and words.fractions[plain] < 0.5 and total < 20:
                return total * words.fractions[plain], 0.0, behind + 1, True, SHARE
            else:
                return total, step, behind, True, COUNT

    def _unit(
        self, at: int, part: bool = False
    ) -> tuple[tuple[tuple[str, float], ...], int] | None:
        words = self.words
        plain = self.plain(at)
        if plain in ("km", "kilometres", "kilometers", "miles", "m", "metres") and (
            self.plain(at + 1) in ("h", "s", "per", "an")
        ):
            period = {"h": 3600.0, "s": 1.0}.get(self.plain(at + 1))
            behind = at + 2
            if period is None:
                period = words.rates.get(self.plain(at + 2))
                behind = at + 3
            if period is not None:
                (_, factor), *_ = words.units[plain]
                return (("speed", factor / period),), behind
        if plain in ("\u00b0", "degrees", "degree", "grad") and (
            self.plain(at + 1) in ("c", "f", "celsius", "fahrenheit")
        ):
            name = f"temperature {self.plain(at + 1)[0].upper()}"
            return ((name, 1.0),), at + 2
        if plain in ("percentage",) and self.plain(at + 1).startswith("point"):
            return (("point", 1.0),), at + 2
        if plain == "per" and self.plain(at + 1) == "cent":
            return ((SHARE, 0.01),), at + 2
        behind = at
        # half of an hour, a quarter of a pound, an 18-month stay
        while self.plain(behind) in (_OF_A if part else _OF) and behind - at < 2:
            behind += 1
        unit = self.plain(behind)
        if unit not in words.units or (len(unit) == 1 and behind != at):
            return None
        capital = len(unit) == 1 and unit.isalpha() and self.tokens[behind].written != unit
        if capital and unit not in "vwcj":
            return None
        return words.units[unit], behind + 1

    def _per(self, at: int) -> int:
        """*a month*, *per week*, *monthly* behind an amount."""
        if self.plain(at) in self.words.per and self.plain(at + 1) in self.words.rates:
            self.add(((PER, self.words.rates[self.plain(at + 1)]),), at, at + 2)
            return at + 2
        return at

    def _ordinal(self, at: int, behind: int, value: float) -> int:
        place = self.plain(behind)
        if place in ("quarter", "quartal", "trimestre"):
            self.add((("quarter", value),), at, behind + 1)
            return behind + 1
        if place in self.words.units and self.words.units[place][0][0] == "duration":
            self.add(((f"{ORDINAL} {self.words.units[place][0][1]:g}", value),), at, behind + 1)
            return behind + 1
        self.add(((ORDINAL, value),), at, behind)
        return behind

    # words that stand for a value by themselves

    def _word(self, at: int) -> int:
        plain = self.plain(at)
        token = self.tokens[at]
        if match := _QUARTER.fullmatch(plain):
            self.add((("quarter", float(match[1])),), at, at + 1)
            return at + 1
        if match := _VERSION.fullmatch(plain):
            value, step = figure(match[1])
            if value is not None:
                self.add(((COUNT, value),), at, at + 1, value, step)
                return at + 1
        if plain in _PERIODICALLY or (plain in _EVERY and self.plain(at + 1) in self.words.rates):
            behind = at + (1 if plain in self.words.rates else 2)
            self.add(((PER, self.words.rates[self.plain(behind - 1)]),), at, behind)
            return behind
        unit = self.words.units.get(plain)
        following = self.plain(at + 1)
        if unit and unit[0][0] == "duration" and len(plain) > 2 and plain not in _ONE:
            number = self._number(at + 1) if following else None
            if number is not None and number[4] == COUNT and not self.plain(at - 1).isdecimal():
                # day ten, week 3
                self.add(((f"{ORDINAL} {unit[0][1]:g}", number[0]),), at, number[2])
                return number[2]
        if (numeral := roman(token.written)) is not None:
            self.add(((COUNT, numeral), (YEAR, numeral)), at, at + 1, numeral, 1.0)
            return at + 1
        if plain in self.words.seasons and plain not in ("fall", "spring", "ete"):
            self.add((("season", self.words.seasons[plain]),), at, at + 1)
            return at + 1
        return at
