"""A blind set of wordings of dialogues, by somebody who knew neither the rules nor the other sets.

They were written after how people write in chats, support threads, mails, notes of calls and
minutes, without a look at the rules of the memory or at the wordings of ``_dialogue_forms`` and
``_dialogue_forms_held_out``. What is measured on them says how the memory does on wordings that
nobody had in mind, so nothing may be fitted to them: no rule, threshold or list of words is changed
because of what stands here. Whoever does so all the same moves the wording to ``_dialogue_forms``
and has somebody else, who knows neither, write a new one.

The slots are those of ``_dialogue_forms_held_out``.
"""

from typing import Final

from benchmarks._dialogue_words import Forms

BLIND: Final = Forms(
    statements=(
        "{s} - {a} - {v}",
        "fyi the {a} for {s} is {v}",
        "Got it: {v} is the {a} for {s}.",
        "Hi team,\n\nsince several of you asked, the {a} of {s} is {v}. No need to reply.\n\nBest",
        (
            "Just hung up with them. For {s} they gave me {v} as the {a}, and I made them repeat "
            "it because the line was bad."
        ),
        "ah before I forget, {s}, {a}, that's {v}",
        (
            "Notes from the call:\n- half of us late, as usual\n- {a} for {s}: {v}\n- next call "
            "after the holidays"
        ),
        "> Do we know the {a} for {s} yet?\nYes, {v}.",
        "Fwd: from the file on {s}\n> {a}: {v}\n> pls keep for your records",
        (
            "In case anyone wonders (I did, for about an hour, until I found the mail) {v} is "
            "what we have as {a} for {s}."
        ),
        "so {s} has {v} as {a}, good to know",
        "Looked it up, since nobody else would: where {s} is concerned, the {a} is {v}.",
        "{v} - that's the {a} of {s}, pinning it here",
        "Decided in the meeting today: {s} gets {v} as its {a}; everything else is postponed.",
        "Re {s}: they came back to me at last, and the {a} we should note down is {v}",
        "Hey, can you write {v} next to {a} on the sheet for {s}? Just got that confirmed.",
        "Agent note: question about {s} answered, {a} given as {v}, case stays open.",
        "yep. {a} of {s} = {v}",
        "Whoever does the paperwork for {s} will need the {a}, which is {v}.",
        "You asked about {s} at lunch and I had no clue; now I do, the {a} is {v}.",
        "teh {a} for {s} is {v} btw",
        "As {a} of {s} we have {v}, if the contract is anything to go by, and I'd say it is.",
        "The label on the folder says it all: '{s}, {a} {v}'.",
        "1) thanks for the slides 2) {s}: the {a} is {v} 3) who has my pen",
        "Good morning! Small thing about {s} - the {a} there is {v}. Have a nice day :)",
        "wow, only just saw it, the {a} for {s} is {v}!!",
        "What can I tell you about {s}? Not much, except that the {a} is {v}.",
        (
            "It took three transfers and a lot of hold music, but a very kind lady finally read "
            "it out to me; {a} for {s}, {v}."
        ),
        "{s} | {a} | {v} | checked",
        (
            "I put {v} on the form where it asks for the {a} of {s}, because that's what it says "
            "in the confirmation."
        ),
        "Thanks for your patience. We can confirm that the {a} on record for {s} is {v}.",
        "{a} for {s}?? it's {v}, was in the very first mail",
        "we were told {v}, for {s} i mean, as {a}",
        (
            "Two pages in, below the 3.5% discount and a fax number (a fax number!), it says {a} "
            "for {s}: {v}"
        ),
        (
            "I rang them twice, 10 min the first time and 1,200 seconds of Vivaldi the second, "
            "and the outcome for {s} is {v} as {a}."
        ),
        (
            "No need to ask again about {s}, I did, the {a} is {v}, and no, they weren't happy "
            "that I called on my day off"
        ),
        (
            "Regarding your enquiry on {s}, please find the requested {a} below.\n\n{v}\n\nKind "
            "regards"
        ),
    ),
    own_statements=(
        "my {a} is {v} if anyone needs it",
        "{v} is my {a}, please save it somewhere",
        "For the list: {a} {v} (that's me, {s})",
        "Hi, {s} here. You asked for my {a}, it's {v}, and I'm around all afternoon.",
        "They finally sorted me out, so I have {v} as my {a}.",
        "> What's your {a}, {s}?\n{v}",
        "Thanks all, signing off for today.\n\n{s}\n{a}: {v}",
        "since they keep asking me... {a}: {v}. Mine, obviously",
        "sry forgot to fill in the form, for me it's {v} under {a}",
        "I had to look up my own {a}, embarrassing, but there you go, {v}.",
        "Me: {a} = {v}. Next please",
        "When they ask you about my {a}, tell them {v}.",
        (
            "Right, so, as I was saying when the connection dropped, the {a} I have is {v}, you "
            "can write that down."
        ),
    ),
    updates=(
        "change of plan folks, {s} now has {v} as {a}",
        "Just off the phone: they've switched the {a} for {s}, we're on {v} from here on.",
        "{s}: {a} {old} -> {v}",
        "Please cross out {old} wherever you find it under {s}; the {a} is {v} these days.",
        "update on {s}. {a} is {v} now, sorry for the back and forth",
        "Quick correction, the {a} of {s} that went round earlier was wrong. {v} is right.",
        "> {s}, {a}: {old}\nNo longer true, see today's mail: {v}.",
        (
            "Hi all,\n\nas of this morning {v} replaces {old} as {a} for {s}. Please update your "
            "files.\n\nThanks"
        ),
        (
            "After a lot of moaning from upstairs the {a} for {s} got changed to {v}, which at "
            "least means that we can stop arguing."
        ),
        "so it won't be {old} after all. New {a} for {s}, confirmed twice: {v}",
        "Minutes, item 4: {s}. Agreed to drop {old} and go with {v} for the {a}.",
        "EDIT: {v}, not {old} ({a}, {s})",
        "Remember the {a} we had for {s}? Forget it, we have {v} instead.",
        "oops, somebody mixed up two lines. {a} for {s} shoud be {v}",
        "With regard to {s}: the {a} has since been amended and now reads {v}.",
        (
            "They called again about {s}, lovely people, and it turns out that the {a} isn't "
            "{old} any more but {v}."
        ),
        "latest on the {a} of {s}: {v}. Anything older than today, bin it",
        "Instead of {old} we're getting {v} as {a} for {s}, signed off at noon.",
        "FYI the old {a} for {s} is dead, long live {v}",
        "Call log / {s} / {a} revised, new entry {v} / caller informed",
        "Ok, final final version, I promise: {s} gets {v} as its {a}.",
        "I stand corrected on {s}, the {a} is {v} and not what's in the sheet",
        (
            "Had {old} in my head for {s} as well, but the {a} was changed over to {v} last "
            "week, ask anyone."
        ),
        "No no, that's how it used to be with {s}. The {a} is {v} now, they just never told us",
        "{v} it is now! ({a} for {s}, they finally gave in)",
    ),
    own_updates=(
        "my {a} is {v} now, no longer {old}",
        "New {a} for me: {v}",
        "Heads-up, what you've got on file as my {a} is out of date, it's {v} now.",
        "I gave you {old} as my {a}, sorry, that was nonsense, I meant {v}",
        "{s} again. They changed my {a} on me, so {v} from now on.",
        "my {a}: ~~{old}~~ {v}",
        "guess what, I've swapped {old} for {v}, talking about my {a}",
        "Could someone correct the list? It has the wrong {a} for me and should read {v}.",
        "Since last week I have a different {a}, {v}, and yes I should have told you.",
        "scratch that, my {a} isn't {old}. It's {v}, just double checked",
        "> {a}: {old}\nused to be true. {v} nowadays",
    ),
    contradictions=(
        "hm, on my side the {a} for {s} shows up as {v}",
        "Funny, the letter I'm holding gives {v} for the {a} of {s}.",
        "I've got {s} down with {v} as {a}, fwiw",
        (
            "Just for my own understanding: I always thought, and told the client so, that {s} "
            "has {v} as its {a}."
        ),
        "{a} of {s}? {v}, at least that's what I've been working with.",
        "According to the other office, {v} is the {a} of {s}.",
        "Notes from my call, {s}: {a} {v} (that's how they put it to me).",
        "are we sure? the portal, when I open it, lists {v} under {a} for {s}",
        "My printout says {v} beside {a}, on the page for {s}.",
        "weird, they told ME {v} when I rang about the {a} of {s}",
    ),
    distractors=(
        "Is it {v}, the {a} for {s}? Asking because somebody in the lift thought so",
        "if the {a} of {s} ever ends up being {v} i'm buying everyone lunch",
        (
            "We once talked about {v} as {a} for {s}, way back, and dropped the idea the same "
            "afternoon."
        ),
        "For the record: nobody ever agreed to {v} as the {a} of {s}, whatever the rumour says.",
        "Sample text for the form, please don't copy it literally: '{s} / {a}: {v}'. It's made up.",
        "The quiz question was, what has {v} to do with {s}? Nothing, it turned out.",
        "{v} sounds like something from a film. Anyway",
        "Had a dream last night where the {a} for {s} was {v}, woke up sweating",
        "In my old company we had {v} as {a} once, for something that had nothing to do with {s}.",
        "> Would {v} work as {a} for {s}?\nNo, please not, we leave everything as it is.",
        (
            "Somebody typed {v} into the test system under {s}, {a}. Only dummy data, I'll wipe "
            "it later."
        ),
        "Bet you a coffee that they come back one day and want {v} as {a} for {s}",
        "Suppose, just suppose, {s} had {v} for {a}. Would the spreadsheet still cope?",
        "Not {v}! That was never the {a} of {s}, wherever you've got that from.",
        "The slip in my fortune cookie said {v}. What am I meant to do with that?",
        (
            "My cousin's form at the town hall had a box for {a} too, and hers says {v}. Nothing "
            "to do with {s}, it just made me laugh."
        ),
        "Spam again: 'Congratulations, {v} is waiting for you'. Deleted it.",
        "Could be {v}, could be anything, I'd only be guessing the {a} of {s} without my notes",
        "I misheard it as {v} at first ({s}, {a}), the line was terrible. It isn't that.",
    ),
    questions=(
        "what's the {a} for {s} again",
        "Remind me, {s}, the {a}?",
        "Could you look up the {a} of {s} for me?",
        "I need to fill in the {a} for {s}, what do I put?",
        "{s}: {a}?",
        "Do we know the {a} of {s} by now, and what is it?",
        "Anyone remember the {a} we have for {s}?",
        "As things stand, what is the {a} of {s}?",
        "Someone's asking me about {s}. What should I tell them the {a} is?",
        "Sorry if that was said already, but the {a} for {s} would be...?",
        "tell me the {a} of {s} pls",
    ),
    own_questions=(
        "What's {s}'s {a}?",
        "Does anybody have the {a} of {s}? What is it?",
        "I'm filling in the list and {s} is missing, what goes under {a}?",
        "{s}'s {a} pls",
        "Which {a} did {s} give us?",
        "what do we have down as {a} for {s}",
        "Need to enter the {a} for {s}, who knows it?",
    ),
    pairs=(
        "{a} of {s}, and {a2} of {s2}?",
        "Two things: what is the {a} for {s}, and what is the {a2} for {s2}?",
        "I need the {a} of {s}, and while you're at it the {a2} of {s2} as well.",
        "what do we have for {s} ({a}) and {s2} ({a2})",
        "For the handover: which {a} goes with {s}, and which {a2} with {s2}?",
    ),
    chains=(
        "Which of them has {v} as {a}, and what is its {a2}?",
        "I only remember that the {a} was {v}. What's the {a2} of the same one?",
        "the one with {v} for {a}, what {a2} does it have",
        (
            "Somebody left a note saying just '{a}: {v}'. Find out what it belongs to and tell "
            "me the {a2} of that."
        ),
    ),
    mentions=(
        "Anyone else find {s} exhausting?",
        "still waiting to hear back about {s}",
        "The {a} again, honestly, I can't hear that word any more.",
        "I'll bring up {s} on {d}, if {p} is there",
        "who do I ask about the {a} of {s}?",
        "{p} wants to talk about {s}, preferably with biscuits.",
        "We spent {n} minutes on {s} and never got to the {a}.",
        "Can we please keep the {a} of {s} out of this channel, it only starts arguments",
        "the {a} for {s} came up, same discussion as always.",
        "I don't think the {a} matters much to anyone outside this room.",
        "There's a whole section about that, {a} and all, on page {n} of the handbook.",
        "wrote {m} words about {s}, deleted all of them",
        "{s} has a folder of its own, with {m} files in it.",
        "Somebody should have a look at {s}. Not me.",
        "Had to explain {s} to {p} from scratch, took ages",
        "+1 for talking about {s} first.",
        "I keep forgetting where we wrote down the {a}...",
        "> anything new on {s}?\nnope.",
        "Whatever happens with {s}, I'm off on {d}.",
        "Next time someone asks me for the {a} of {s} I'm going to scream.",
        "Is there a photo of {s} somewhere?",
    ),
    chat=(
        "lol",
        "Who left the {w} in the corridor?",
        "back in {n} min",
        "Running late, sorry, the tram is stuck again and I'm number {m} in the queue for a taxi.",
        "{p} says hi.",
        "did anybody see my {w}?",
        "Happy birthday {p}!! {n} already, doesn't look it",
        "I'm out on {d}, dentist.",
        "ok thx",
        "No worries, take your time.",
        "The {w} cost me {m} euros, can you believe it? And it's second hand.",
        "can you hear me? you're on mute",
        "I'd say we take a break of {n} minutes and then go on with item 3.",
        "{p} and I went running on {d}, {n} km, my legs are still complaining",
        "hmm, let me think about it",
        "Please stop replying to all, there are {m} people on this list.",
        "The {w} is for {p}, don't touch it.",
        "my kid drew on the {w} with a marker, what gets that off?",
        "+1",
        "Could you send that again? My inbox ate it.",
        "It rained for {n} hours straight, the cellar is a lake",
        "> lunch?\nyes please",
        "ha, {p} will love that",
        "Shopping: milk, {n} eggs, bread, and if they have one, a decent {w}.",
        "We got {m} answers to the survey, about 1/3 of them serious.",
        "wait, what",
        "On {d} the canteen is closed, bring something.",
        "I watched {n} episodes last night and regret nothing.",
        "Sorry, wrong window",
        "As {p} always says, first the coffee, then the world.",
        "that {w} has been broken since {d}, is nobody going to fix it?",
        "brb, doorbell",
        "Great job everyone, really.",
        "The lift is out of order, so it's {m} steps for me today.",
        "Thank you for your message. I'm away from my desk and will answer when I'm back.",
        "roughly {n}%? no idea tbh",
        "I owe {p} {n},50 for the {w}, remind me on {d}.",
        "omg the heating",
        "Well... it depends, doesn't it, on who you ask and on which day of the week you ask them.",
        "k",
        "{p}, could you water the {w}? Or, well, whatever it needs.",
        "Two points from my side: a) fewer meetings, b) shorter ones.",
    ),
)
