"""Wordings of dialogues that no rule of the memory was fitted to.

They were written before the rules, by somebody who tried to say the same things otherwise than
``_dialogue_forms`` does, and only the final figures are measured on them. Whoever changes a rule
because of what stands here moves it there, and writes new ones.

Slots: ``{s}`` what is spoken of, ``{a}`` its attribute, ``{v}`` the value, ``{old}`` the one
before, ``{n}`` ``{m}`` ``{p}`` ``{w}`` ``{d}`` a number, another one, a person, a thing and a day.
"""

from benchmarks._dialogue_words import Forms

HELD_OUT: Forms = Forms(
    statements=(
        "as for {s}, they came back with {v} as the {a}",
        "Put {v} down as {s}'s {a}, please.",
        "{v} - that would be the {a} for {s}, going by the mail I got this morning.",
        "I looked it up: {s}, {a}, {v}.",
        "Regarding {s}: we can count on {v} for the {a}.",
        "You asked about {s} the other day. Turns out the {a} we have on file reads {v}.",
        "so {s} ended up with {v} for its {a}, who would have thought",
        "The folder says {v} under {a}, at least on the page about {s}.",
        "Long call, but good news on {s}: they confirmed {v} for the {a}.",
        "{s} / {a} -> {v}",
        "If anybody needs the {a} for {s}, I wrote down {v}.",
        "Bear in mind that {s} comes with {v} as {a}.",
    ),
    own_statements=(
        "in case you need it, {v} would be my {a}",
        "For the form: {a} {v} on my side.",
        "I go with {v} when somebody wants to know my {a}.",
        "They always ask me for my {a}, so here you go, {v}.",
    ),
    updates=(
        "Forget what I said about {s}: the {a} ended up being {v}.",
        "{s} got a different {a} in the meantime, {v} it says here.",
        "Small news on {s}, no more {old} for the {a}, they want {v}.",
        "Please cross out {old} for {s}. {v} takes its place as the {a}.",
        "that {a} for {s} I gave you was out of date, {v} is what holds today",
        "We had {old} as the {a} for {s}; as of this week that became {v}.",
        "They overruled us on {s}, so {a}: {old} becomes {v}.",
        "Turns out I misread the {a} for {s}. It says {v} when you look closely.",
    ),
    own_updates=(
        "my {a} is no longer what it was, use {v} from here on",
        "I had to give up {old}, so for my {a} please take {v}.",
        "New year, new {a} for me: {v}.",
    ),
    contradictions=(
        "Odd, my copy has {v} as the {a} for {s}.",
        "I have {v} noted as {s}'s {a}, for what it is worth.",
        "hm, from what I heard it would be {v} for {s}, the {a} I mean",
    ),
    distractors=(
        "Did anyone ever find out the {a} for {s}? I would guess {v} but really no idea.",
        "In my old job the {a} was always {v}, whatever one called it.",
        "They offered {v} as the {a} for {s} once, and we laughed.",
        "If the {a} for {s} were {v}, we would all be rich and happy.",
        "Not sure {s} even has a proper {a}, {v} was only an example on the form.",
    ),
    questions=(
        "Can somebody remind me about the {a} for {s}?",
        "I need the {a} that goes with {s}, quick.",
        "what did we end up with as the {a} for {s}?",
        "For the report: which {a} do we have for {s}?",
        "{s}'s {a}, anyone?",
    ),
    own_questions=(
        "Which {a} did {s} give us?",
        "What should I put for {s} under {a}?",
        "does anyone have {s}'s {a} at hand?",
    ),
    pairs=(
        "I am filling in the sheet and miss two things: the {a} for {s}, and {s2}'s {a2}.",
        "Two gaps left, {a} of {s} plus {a2} of {s2}. Help?",
    ),
    chains=(
        "Whatever has {v} as its {a}, which {a2} does it have?",
        "Tell me the {a2} of the one where the {a} is {v}.",
    ),
    mentions=(
        "{p} would not stop about {s} at lunch, I nearly missed the {w}.",
        "Is {s} on the list for {d}? Somebody has to bring the {w} then.",
        "I dreamt of {s}, there were {n} of them and all of them sang.",
        "We lost {m} minutes over the {a} question for {s} and did not get anywhere.",
        "{s} again, sigh. {p} promised me cake if I look at the {a} by {d}.",
        "Whoever wrote the page on {s} forgot the picture of the {w}.",
        "My view on {s} has not moved since {d}, and {p} knows.",
        "There is more about the {a} in the thread with {p}, {n} messages or so.",
    ),
    chat=(
        "{p} left the lights on again, third time this {d}.",
        "anyone up for {w} around noon?",
        "My train took {n} minutes longer than it should have.",
        "I can never find the {w} when I look for it, and then there are {m} of them.",
        "On {d} I will be out for most of the morning, back after the dentist.",
        "That reminds me of {p} and the {w}, we laughed for weeks.",
        "ok fine by me",
        "The printer on floor {n} eats paper. I put a note on the {w}.",
        "Weather people promise {n} degrees, I believe it when I see it.",
        "{p} sends regards, by the way, and asks when we visit.",
        "Honestly the {w} was the best part of the evening.",
        "Could you all please fill in the list for {d}? There are {n} names on it so far.",
        "I read {m} pages about it and know less than before.",
        "haha, no comment",
        "Traffic near the {w} shop was terrible, and {p} would not stop singing.",
        "We should really thank {p} for the {w}.",
        "See the attached picture, taken on {d}, the {w} is the thing on the left.",
        "Not today, perhaps on {d}, I have {n} things on my desk.",
    ),
)
