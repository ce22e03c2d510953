"""Wordings of dialogues that the rules of the memory were looked at with.

The slots are those of ``_dialogue_forms_held_out``, whose wordings were held back.
"""

from benchmarks._dialogue_words import Forms

LOOKED_AT: Forms = Forms(
    statements=(
        "The {a} of {s} is {v}.",
        "{s}'s {a} is {v}, by the way.",
        "Quick note for everyone: the {a} for {s} will be {v}.",
        "{s} has {v} as its {a}.",
        "we agreed on {v} as the {a} of {s}",
        "Finally heard back about {s}. The {a} is {v}.",
        "{s}: {a} = {v}",
        "They set the {a} for {s} to {v} yesterday.",
        "I just checked, {s} - {a}: {v}",
        "The {a} they gave us for {s} was {v}.",
        "It was decided that the {a} of {s} is {v}, so please plan with that.",
        "Ok so {v} is the {a} of {s}.",
    ),
    own_statements=(
        "My {a} is {v}.",
        "{a}: {v}",
        "btw my {a} is {v}, please note it somewhere",
        "I have {v} as my {a}.",
    ),
    updates=(
        "The {a} of {s} is now {v}.",
        "Correction: the {a} for {s} is {v}, not {old}.",
        "They changed the {a} of {s} from {old} to {v}.",
        "Actually, {s}'s {a} is {v}.",
        "We moved the {a} of {s} to {v}.",
        "Update on {s}: the {a} has changed to {v}.",
        "The new {a} for {s} is {v}.",
        "Sorry, I was wrong about {s}, the {a} is {v} instead of {old}.",
    ),
    own_updates=(
        "My {a} has changed, it is {v} now.",
        "my new {a} is {v}",
        "Correction: my {a} is {v}, not {old}.",
    ),
    contradictions=(
        "I think the {a} of {s} is {v}.",
        "As far as I know the {a} for {s} is {v}.",
        "In my notes {s}'s {a} is {v}.",
    ),
    distractors=(
        "Is the {a} of {s} {v}?",
        "Somebody thought the {a} for {s} was {v}, but that was a joke.",
        "Last year the {a} of {s} was {v}.",
        "I wish the {a} of {s} was {v}.",
        "For comparison, others have {v} as their {a}.",
    ),
    questions=(
        "What is the {a} of {s}?",
        "Do you remember {s}'s {a}?",
        "Please tell me the {a} for {s} again.",
        "what was the {a} of {s} again?",
        "Let me know which {a} {s} has.",
    ),
    own_questions=(
        "What is {s}'s {a}?",
        "Do we know the {a} of {s}?",
        "Tell me {s}'s {a} please.",
    ),
    pairs=(
        "What is the {a} of {s}, and what is the {a2} of {s2}?",
        "I need {s}'s {a} and {s2}'s {a2}.",
    ),
    chains=(
        "What is the {a2} of whatever has {v} as its {a}?",
        "{v} is the {a} of something. What is its {a2}?",
    ),
    mentions=(
        "We should talk about {s} on {d}.",
        "{p} asked about {s} again, I sent {n} pages.",
        "I like how {s} is going so far.",
        "The {a} of {s} was discussed for {m} minutes, without a result.",
        "Who takes care of {s} while {p} is away?",
        "There were {n} mails about the {a} today.",
        "{s} is in the {w} folder, if you look for it.",
        "{p} does not care about the {a} at all.",
    ),
    chat=(
        "Good morning everyone, how was the {w}?",
        "I had {n} meetings on {d} and none of them was useful.",
        "Thanks, that helps a lot!",
        "Has anyone seen my {w}?",
        "{p} said the {w} is broken again.",
        "lol",
        "It took me {n} minutes to get here today.",
        "We could meet on {d} if {p} has time.",
        "The {w} costs {m} euros now, can you believe it?",
        "I think {p} is right about the {w}.",
        "Sounds good to me.",
        "On {d} there were {n} people in the queue for the {w}.",
        "My neighbour {p} has bought a {w}.",
        "Ok, see you on {d}.",
        "Do not forget the {w}, {p} asked for it twice.",
        "I am {n} percent sure that {p} took the {w}.",
        "Lunch?",
        "The {w} is not what it used to be, but {p} likes it.",
    ),
)
