"""Literal against figurative: an expression that is usually meant otherwise than it says."""

import re
from typing import Final

from orchestration_assets.disagreement.kinds.finding import Finding

_LONGEST: Final = 20_000
_QUOTED: Final = re.compile(r"\"[^\"]{1,300}\"|“[^”]{1,300}”|(?<!\w)'[^']{3,300}'(?!\w)")
_MENTION: Final = re.compile(
    r"\b(?:phrase|idiom|proverb|means?|translate|dictionary|glossary|entitled|titled)\b", re.I
)

_BE = r"(?:is|are|was|were|be|been|being|'s|'re|am|'m)"
# common English idioms, in the forms in which they are inflected
_IDIOMS: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\bkick(?:ed|s)? the bucket\b(?! (?:over|across|down|aside|into))",
        r"\bth(?:rows?|rew|rown|rowing) in the towel\b",
        r"\b(?:spill(?:s|ed|ing)?|spilt) the beans\b(?! on| over| across| all)",
        r"\b(?:skat(?:es?|ed|ing)|treading) on thin ice\b",
        r"\bburn(?:s|ed|t|ing)? the midnight oil\b|\bburn(?:s|ed|t"
        r"|ing)? the candle at both ends\b",
        r"\bhit(?:s|ting)? the (?:ground running|road|roof|ceiling|sack|jackpot|books)\b",
        r"\bbeat(?:s|ing)? (?:around|about) the bush\b",
        r"\b(?:get|gets|got|having|have|has|had) cold feet\b",
        rf"\b{_BE} (?:just )?a (?:piece of cake|walk in the park|breeze|no-brainer)\b",
        r"\blet(?:s|ting)? the cat out of the bag\b",
        r"\bb(?:it|ites?|iting|itten) off more than\b",
        r"\bturn(?:s|ed|ing)? a (?:blind eye|deaf ear)\b",
        r"\bpass(?:es|ed|ing)? the buck\b",
        r"\b(?:rain(?:s|ed|ing)?|pour(?:s|ed|ing)?) cats and dogs\b",
        r"\blike a fish out of water\b",
        r"\bcook(?:s|ed|ing)? the books\b",
        r"\bcross (?:that|the) bridge when\b",
        r"\bwol(?:f|ves) in sheep'?s'? clothing\b",
        r"\bmov(?:e|es|ed|ing) the goal ?posts\b(?! to (?:the|a))",
        r"\bbell the cat\b|\bcurry favou?r\b",
        r"\bblessing in disguise\b",
        r"\brules? the roost\b|\bwears? the trousers\b",
        r"\bbur(?:y|ied|ies|ying) the hatchet\b",
        r"\b(?:on|over) (?:cloud nine|the moon)\b",
        r"\bback to (?:square one|the drawing board)\b",
        r"\bfac(?:e|es|ed|ing) the music\b|\bpull yourself together\b",
        r"\b(?:leaves?|left|leaving) no stone unturned\b",
        r"\ban arm and a leg\b|\bthrough the nose\b|\bfor a song\b",
        r"\bbark(?:s|ed|ing)? up the wrong tree\b",
        r"\b(?:sweeps?|swept|sweeping)\b.{0,25} under the (?:carpet|rug)\b",
        r"\bwalk(?:s|ed|ing)? on (?:egg ?shells|air)\b",
        r"\bdrop in the (?:ocean|bucket)\b",
        r"\blet sleeping dogs lie\b",
        r"\bst(?:eal|eals|ole|olen|ealing) (?:the show|the limelight|somebody's thunder"
        r"|\w+'s thunder)\b",
        r"\bchip on (?:my|your|his|her|its|our|their) shoulder\b",
        r"\ball hell broke loose\b|\bhell freezes over\b",
        rf"\b{_BE} a loose cannon\b",
        r"\bducks in a row\b",
        r"\b(?:plan|plans|hopes?|deal|dreams?|scheme|project|career)\b.{0,20} (?:went|go"
        r"|goes|gone|going) up in smoke\b",
        r"\bhit(?:s|ting)? the nail on the head\b",
        r"\bred-handed\b|\bred tape\b",
        r"\bopen(?:s|ed|ing)? (?:up )?a can of worms\b",
        r"\b(?:career|sales|business|idea|trend|song)\b.{0,20} (?:took|take|takes|taken) off\b",
        r"\broll(?:s|ed|ing)? out the red carpet\b",
        r"\bbl(?:ew|ow|ows|own|owing) (?:his|her|my|your|their) (?:top|stack|lid|fuse)\b",
        r"\b(?:I'm|I am|we're|we are) all ears\b",
        r"\bjust the tip of the iceberg\b|\btip of the iceberg\b(?! from)",
        r"\baxe? to grind\b|\bcut(?:s|ting)? to the chase\b|\bcut(?:s|ting)? corners\b",
        r"\brunning on (?:fumes|empty)\b|\bout of steam\b",
        r"\bthe sharpest (?:knife|tool)\b|\bthe brightest bulb\b",
        r"\bbutterflies in (?:my|your|his|her|its|our|their) (?:stomach|tummy)\b",
        r"\bsmel(?:l|ls|led|t) a rat\b|\bsmells? fishy\b",
        r"\bunder the weather\b|\bonce in a blue moon\b|\bthe last straw\b|\ba hot potato\b",
        r"\bpull(?:s|ed|ing)? (?:somebody's|someone's|my|your|his|her|their) leg\b"
        r"|\bbreak a leg\b",
        r"\bbit(?:e|es|ing)? the (?:bullet|dust)\b|\bbit the (?:bullet|dust)\b",
        r"\bthe elephant in the room\b|\bthe whole nine yards\b|\bby the skin of\b",
        r"\bjump(?:s|ed|ing)? (?:ship|the gun|the shark)\b|\bon the bandwagon\b",
        r"\bthe ball is in (?:your|his|her|our|their) court\b|\bpull(?:s|ed|ing)? strings\b",
        r"\badd(?:s|ed|ing)? (?:fuel to the fire|insult to injury)\b|\bopen(?:ed"
        r"|s)? the floodgates\b",
        r"\bcost(?:s)? a fortune\b|\bmak(?:e|es|ing) ends meet\b|\bmade ends meet\b",
        r"\bgo(?:es|ing)? (?:the extra mile|down the drain|bananas|off the rails)\b",
        r"\bwild[- ]goose chase\b|\bwhite elephant\b|\bdark horse\b(?! race)|\bblack sheep of\b",
    )
)
_HYPERBOLE: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:a )?(?:million|thousand|hundred|zillion) times (?:to|not|already|before|that)\b",
        r"\btold (?:you|him|her|them) a (?:million|thousand|hundred) times\b",
        rf"\bcould eat a horse\b|\b{_BE} killing me\b|\bscared to death\b|\bbored to death\b",
        r"\b(?:nearly|almost) died of (?:embarrassment|boredom|shame|laughter)\b|\bdying to\b",
        r"\b(?:suitcase|bag|box|backpack|rucksack|thing|dog|cat|book)\b.{0,12} weighs a ton\b",
        r"\b(?:took|takes|lasted|waiting|waited) (?:forever|an eternity|ages)\b",
        r"\bcri(?:ed|es) (?:a river|an ocean)\b",
        r"\b(?:brain|head|mind) (?:is|was) (?:fried|exploding|mush)\b",
    )
)
_SIMILE: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\blike (?:clockwork|wildfire|a (?:glove|house of cards|maniac|bull|rocket|dream"
        r"|charm|log|baby|fish|rock|hawk|ton of bricks|madman|bird and|lead balloon"
        r"|sore thumb|sieve"
        r"|chicken|headless|broken record|leaf|bat out of hell|knife through)"
        r"|nailing jelly|herding|pulling teeth"
        r"|watching|talking to|a moth|lambs|cats and dogs|there's no tomorrow)\b",
        r"\bas? (?:stubborn as a mule|busy as a bee|cold as (?:ice)|quiet as a mouse"
        r"|blind as a bat|white as a (?:sheet|ghost)|light as a feather|sly as a fox"
        r"|fit as a fiddle"
        r"|clear as (?:mud|day)|dry as a bone|mad as a hatter|old as the hills|strong as an ox"
        r"|free as a bird|brave as a lion|hard as nails|cool as a cucumber|thin as a rake)\b",
        r"\b(?:cold|stubborn|busy|quiet|blind|sly|hard|dry|old|dead|tough|mad) as (?:an? "
        r"|the )?(?:tomb|mule|bee"
        r"|mouse|bat|fox|nails|bone|hills|doornail|leather|hatter)\b",
        r"\beats? like an? (?:bird|pig|horse)\b",
    )
)
_ABSTRACT = (
    r"(?:grief|time|hope|love|hate|jealousy|poverty|inflation|bureaucracy|silence|fear"
    r"|envy|rumou?rs?"
    r"|history|money|power|war|peace|truth|memory|debate|market|economy|deadline|internet"
    r"|budget|city"
    r"|argument|reform|pride|anger|debt|doubt|guilt|fame"
    r"|project)"
)
_BODILY = (
    r"(?:swallow(?:s|ed)?|ate|eats?|gnaw(?:s|ed)?|strangl(?:es|ed)|drown(?:s|ed|ing)?"
    r"|breath(?:es|ing)"
    r"|whisper(?:s|ed)?|danc(?:es|ed)|sle(?:eps|pt)|w(?:eeps|ept)|knock(?:s|ed)"
    r"|flicker(?:s|ed)?|march(?:es|ed)|died|dies|bites?|bit|kill(?:s|ed)|crawl(?:s|ed)"
    r"|scream(?:s|ed)|strikes?|sang|sings?)"
)
_METAPHOR: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b{_ABSTRACT} (?:has |have |had |that )?{_BODILY}\b",
        rf"\b{_ABSTRACT} {_BE} (?:an? )?(?:thie(?:f|ves)|kni(?:fe|ves)|house|minefield"
        r"|prison|weapon|river|ocean|mirror|storm|maze|jungle|mountain|wall|battlefield|cancer"
        r"|engine|cage|desert|circus)\b",
        r"\b(?:drowning|swimming|buried|up to (?:my|your|his|her|our"
        r"|their) neck) in (?:paper\w*|work|debt"
        r"|e?mails?|meetings|forms)\b",
        r"\b(?:flood|storm|wave|army|sea|avalanche|torrent|ocean|mountain) of (?:questions"
        r"|complaints|tears|protest|criticism|e?mails|paperwork|laughter|lies|anger)\b",
        r"\bbreathing down (?:my|your|his|her|our|their) necks?\b"
        r"|\bseeds of (?:the )?(?:war|doubt|conflict)\b",
        r"\b(?:lake|sea|water) was (?:a mirror|glass)\b|\bheart of (?:stone|gold|ice)\b",
    )
)
_FAMILIES: Final = (
    ("idiom", 0.9, _IDIOMS),
    ("simile", 0.8, _SIMILE),
    ("hyperbole", 0.7, _HYPERBOLE),
    ("metaphor", 0.6, _METAPHOR),
)


def figurative(text: str) -> Finding | None:
    """The first expression of the text that is usually not meant word by word.

    Expressions in quotation marks are mentioned, not used. Metaphors that are made for the
    occasion are mostly missed: nothing in their words gives them away.
    """
    own = _QUOTED.sub(" ", text[:_LONGEST])
    if _MENTION.search(own):
        return None
    for name, score, patterns in _FAMILIES:
        for pattern in patterns:
            if (found := pattern.search(own)) is not None:
                return Finding(
                    score,
                    f"{found[0].strip()!r} is an {name} or literal: taken word by word it says "
                    "something else"
                    if name == "idiom"
                    else f"{found[0].strip()!r} is a {name} or literal: taken word by word it "
                    "says something else",
                )
    return None
