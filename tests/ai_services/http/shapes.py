"""What OpenAI-compatible servers send, shape by shape, with what must come of it.

Names tell which servers are known to send a shape; each is the bytes of one HTTP response.
"""

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Task
from orchestration_assets.text.replies.call_errors import (
    CallError,
    Forbidden,
    MalformedResponse,
    PaymentRequired,
    RequestRefused,
    Unauthorised,
    Unavailable,
)
from orchestration_assets.text.token_estimates import token_estimate

LETTER = Task("letter", "1", AnswerKind.LABEL, ("invoice", "complaint"), question="Which is it?")
GRADE = Task("grade", "1", AnswerKind.LABEL, ("A", "B", "C"), question="Which grade?")
COLOUR = Task("colour", "1", AnswerKind.LABEL, ("red", "dark red", "Dark Red", "blue"))
LANGUAGE = Task("language", "1", AnswerKind.LABEL, ("C", "C++", "C#", ".net", "1", "1.0", "true"))
TAGS = Task("tags", "1", AnswerKind.SET, ("urgent", "billing", "legal"), question="Which apply?")
WORDS = Task("words", "1", AnswerKind.SET, question="Which words?")
TONE = Task("tone", "1", AnswerKind.SCORE, scale=(-1.0, 1.0), question="How kind?")
TITLE = Task("title", "1", AnswerKind.TEXT, question="Which title?")
VECTOR = Task("vector", "1", AnswerKind.VECTOR)


@dataclass(frozen=True)
class Right:
    """What must come of a shape: a reading, or an error. None: not looked at.

    ``reason`` is a part of the reading's reason or of the error's words; ``evidence`` a part of
    the evidence.
    """

    status: Status = Status.OK
    answer: Any = None
    confidence: float | None = None
    reason: str = ""
    evidence: str = ""
    tokens: tuple[int | None, int | None] | None = None
    repairable: bool = True
    error: type[CallError] | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Shape:
    """One response: its body in the parts that it is written in."""

    name: str
    task: Task
    parts: tuple[bytes, ...]
    right: Right
    stream: bool = False
    http_status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    settings: dict[str, Any] = field(default_factory=dict)


USAGE = {"prompt_tokens": 100, "completion_tokens": 12, "total_tokens": 112}
COMPLAINT = '{"answer":"complaint","confidence":0.9}'
INVOICE = '{"answer":"invoice","confidence":0.4}'
RIGHT = Right(Status.OK, "complaint", 0.9, evidence="self-reported", tokens=(100, 12))
UNSAID = Right(Status.OK, "complaint", None, evidence="no confidence")
UNFIT = Right(Status.REJECTED_OUTPUT, reason="JSON object")
EVENTS = (("Content-Type", "text/event-stream"),)


def completion(
    message: Any, finish: str | None = "stop", usage: Any = USAGE, **more: Any
) -> dict[str, Any]:
    """A body; ``more`` goes into the choice."""
    message = (
        {"role": "assistant", "content": message} if not isinstance(message, dict) else message
    )
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "small-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **more}],
        "usage": usage,
    }


def body(given: Any) -> tuple[bytes, ...]:
    return (given if isinstance(given, bytes) else json.dumps(given).encode(),)


def said(name: str, content: Any, right: Right = RIGHT, task: Task = LETTER, **more: Any) -> Shape:
    """A whole completion with this content or message."""
    return Shape(name, task, body(completion(content, **more)), right)


def told(name: str, given: Any, right: Right, task: Task = LETTER, **more: Any) -> Shape:
    """Any body."""
    return Shape(name, task, body(given), right, **more)


def failed(error: type[CallError], reason: str, retry_after: float | None = None) -> Right:
    return Right(error=error, reason=reason, retry_after=retry_after)


def ok(answer: Any, confidence: float | None = None, evidence: str = "") -> Right:
    return Right(Status.OK, answer, confidence, evidence=evidence)


def rejected(reason: str) -> Right:
    return Right(Status.REJECTED_OUTPUT, reason=reason)


def unrepairable(reason: str) -> Right:
    return Right(Status.REJECTED_OUTPUT, reason=reason, repairable=False)


DRAFTS = [
    said("deepseek_think", f"<think>Could be {INVOICE}, but no.</think>\n{COMPLAINT}"),
    said("qwen_empty_think", f"<think>\n\n</think>\n\n{COMPLAINT}"),
    said("thinking_tag", f"<thinking>First {INVOICE}</thinking>{COMPLAINT}"),
    said("reasoning_tag", f"<reasoning>\n{INVOICE}\n</reasoning>\n\n{COMPLAINT}"),
    said("gemini_thought", f"<thought>{INVOICE}</thought>{COMPLAINT}"),
    said("magistral_think", f"[THINK]It says {INVOICE}[/THINK]{COMPLAINT}"),
    said("kimi_triangles", f"◁think▷{INVOICE}◁/think▷{COMPLAINT}"),
    said("seed_think", f"<seed:think>{INVOICE}</seed:think>{COMPLAINT}"),
    said("think_with_attributes", f'<think time="3s">{INVOICE}</think>{COMPLAINT}'),
    said("think_in_capitals", f"<THINK>{INVOICE}</THINK>{COMPLAINT}"),
    said("vllm_template_opens_think", f"Let me see. {INVOICE} no.\n</think>\n\n{COMPLAINT}"),
    said("think_twice", f"<think>{INVOICE}</think>Hm.<think>{INVOICE}</think>{COMPLAINT}"),
    said("draft_after_the_answer", f"{COMPLAINT}\n<reflection>{INVOICE}?</reflection>"),
    said("unclosed_think", f"<think>I would say {COMPLAINT}", UNFIT),
    said(
        "unclosed_think_cut",
        f"<think>Maybe {COMPLAINT}",
        unrepairable("length"),
        finish="length",
    ),
    said("unclosed_think_after_an_answer", f"{COMPLAINT}<think>or {INVOICE}"),
    said("think_then_label", "<think>An invoice? No.</think>\n\ncomplaint", UNSAID),
    said("think_then_answer_tag", f"<think>hm</think><answer>{COMPLAINT}</answer>"),
    said("broken_draft", f'<think>{{"answer": "inv</think>{COMPLAINT}'),
    said("thought_then_solution", f"<|begin_of_thought|>{INVOICE}<|end_of_thought|>{COMPLAINT}"),
    said("cohere_thinking", f"<|START_THINKING|>{INVOICE}<|END_THINKING|>{COMPLAINT}"),
    said(
        "harmony_channels",
        f"<|channel|>analysis<|message|>{INVOICE}<|end|><|start|>assistant<|channel|>final"
        f"<|message|>{COMPLAINT}<|return|>",
    ),
    said("harmony_analysis_only", f"<|channel|>analysis<|message|>Perhaps {COMPLAINT}", UNFIT),
    said(
        "think_mark_inside_the_answer",
        '{"answer":"On </think> marks","confidence":0.9}',
        ok("On </think> marks", 0.9),
        TITLE,
    ),
    said(
        "think_mark_inside_the_answer_after_a_think",
        '<think>Hm</think> {"answer":"On <think> and </think> marks","confidence":0.9}',
        ok("On <think> and </think> marks", 0.9),
        TITLE,
    ),
    said("deepseek_reasoning_content", {"content": COMPLAINT, "reasoning_content": INVOICE}),
    said("openrouter_reasoning", {"content": COMPLAINT, "reasoning": INVOICE}),
    said(
        "vllm_reasoning_only",
        {"content": None, "reasoning_content": COMPLAINT},
        rejected("JSON object"),
    ),
    said(
        "mistral_thinking_parts",
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": INVOICE}]},
            {"type": "text", "text": COMPLAINT},
        ],
    ),
]

OBJECTS = [
    said("plain", COMPLAINT),
    said("corrected", f"{INVOICE}\nWait, correction:\n{COMPLAINT}"),
    said("corrected_twice", f"{COMPLAINT} no, {INVOICE} no, {COMPLAINT}"),
    said("correction_breaks_off", f'{COMPLAINT}\nCorrection: {{"answer":"inv', finish="length"),
    said("fenced", f"```json\n{COMPLAINT}\n```"),
    said("fenced_without_language", f"Sure:\n```\n{COMPLAINT}\n```\nAnything else?"),
    said("other_object_first", f'{{"thought":{{"a":1}}}} {COMPLAINT}'),
    said("other_object_last", f'{COMPLAINT} {{"note":"done"}}'),
    said("braces_in_prose", f"Use {{braces}} and {{ more. {COMPLAINT}"),
    said("line_break_in_a_string", '{"answer":"A\nB","confidence":0.9}', ok("A\nB", 0.9), TITLE),
    said("json_in_a_string", json.dumps(COMPLAINT)),
    said("json_in_a_string_twice", json.dumps(json.dumps(COMPLAINT))),
    said("list_of_one", f"[{COMPLAINT}]"),
    said("list_of_two", f"[{INVOICE},{COMPLAINT}]", rejected("text that is not empty")),
    said("answer_in_answer", f'{{"answer":{COMPLAINT}}}'),
    said("more_members", '{"reason":"upset","answer":"complaint","confidence":0.9,"x":[1]}'),
    said("byte_order_mark", f"\ufeff{COMPLAINT}"),
    said("last_tokens", f"{COMPLAINT}<|im_end|></s>"),
    said("no_member_answer", '{"label":"complaint"}', rejected('no member "answer"')),
    said("null_abstains", '{"answer":null,"confidence":null}', Right(Status.ABSTAINED)),
    said("echo_of_the_form", f'{COMPLAINT} as {{"answer":"...","confidence":0}}', UNFIT),
    said("empty", "", UNFIT),
    said("null_content", {"content": None}, UNFIT),
    said("cut_object", '{"answer":"compl', unrepairable("length"), finish="length"),
    said("whole_object_though_cut", COMPLAINT, finish="length"),
    said("cut_label", "complaint", unrepairable("not complete"), finish="length"),
    said(
        "half_a_pair",
        '{"answer":"A kettle \\ud83d","confidence":0.9}',
        ok("A kettle \ufffd", 0.9),
        TITLE,
    ),
    said(
        "half_a_pair_raw",
        '{"answer":"A kettle \ud83d","confidence":0.9}',
        ok("A kettle \ufffd", 0.9),
        TITLE,
    ),
    said(
        "whole_pair",
        '{"answer":"A kettle \\ud83d\\ude00","confidence":0.9}',
        ok("A kettle \U0001f600", 0.9),
        TITLE,
    ),
    said("huge_answer", json.dumps({"answer": "x" * 5000}), rejected("at most"), TITLE),
    said("deep_nesting", "[" * 50_000, UNFIT),
]

LABELS = [
    said("bare_label", "complaint", UNSAID),
    said("label_with_stop", "Complaint.", UNSAID),
    said("label_quoted", '"complaint"', UNSAID),
    said("label_in_curly_quotes", "\u201ccomplaint\u201d", UNSAID),
    said("label_bold", "**complaint**", UNSAID),
    said("label_in_ticks", "`complaint`", UNSAID),
    said("label_after_prefix", "Answer: complaint", UNSAID),
    said("label_after_bold_prefix", "**Final answer:** complaint.", UNSAID),
    said("label_in_fence", "```\ncomplaint\n```", UNSAID),
    said("label_boxed", "\\boxed{complaint}", UNSAID),
    said("label_as_list", "- complaint", UNSAID),
    said("not_a_label", "This is not an invoice.", UNFIT),
    said("not_label", "not invoice", UNFIT),
    said("label_in_a_sentence", "I would say complaint.", UNFIT),
    said("label_with_doubt", "complaint?", UNFIT),
    said("label_then_reason", "complaint\n\nThe writer is upset.", UNFIT),
    said("two_labels", "invoice or complaint", UNFIT),
    said("answer_is_not", "Answer: not invoice", UNFIT),
    said("letter_in_a_sentence", "a fine day", UNFIT, GRADE),
    said("letter_in_another", "Plan B is what I would choose", UNFIT, GRADE),
    said("letter_in_brackets", "(B)", ok("B"), GRADE),
    said("letter_small", "b.", ok("B"), GRADE),
    said("longer_label", "dark red", ok("dark red"), COLOUR),
    said("longer_label_in_its_case", "Dark Red", ok("Dark Red"), COLOUR),
    said("case_that_fits_two", '{"answer":"DARK RED"}', rejected("one of"), COLOUR),
    said("shorter_label", '{"answer":"red"}', ok("red"), COLOUR),
    said("signs_belong_to_a_label", "C++", ok("C++"), LANGUAGE),
    said("sharp_is_no_frame", "C#.", ok("C#"), LANGUAGE),
    said("dot_belongs_to_a_label", ".net.", ok(".net"), LANGUAGE),
    said("number_as_label", '{"answer":1}', ok("1"), LANGUAGE),
    said("number_as_spelled", "1.0", ok("1.0"), LANGUAGE),
    said("truth_as_label", '{"answer":true}', ok("true"), LANGUAGE),
    said("label_framed_in_json", '{"answer":"**Complaint**."}', UNSAID),
    said("unknown_label", '{"answer":"letter","confidence":0.9}', rejected("one of: invoice")),
    said("label_in_a_list", '{"answer":["complaint"]}', rejected("text that is not empty")),
]

OTHER_KINDS = [
    said(
        "set", '{"answer":["urgent","legal"],"confidence":0.7}', ok(("urgent", "legal"), 0.7), TAGS
    ),
    said("set_in_any_case", '{"answer":["Urgent","urgent"]}', ok(("urgent",)), TAGS),
    said("set_beyond_its_labels", '{"answer":["urgent","spam"]}', rejected("each member"), TAGS),
    said("set_as_bare_list", '["urgent", "billing"]', ok(("urgent", "billing")), TAGS),
    said("set_as_text", '{"answer":"urgent, legal"}', rejected("list of texts"), TAGS),
    said("open_set", '{"answer":["a","b "," "]}', ok(("a", "b")), WORDS),
    said("set_of_halves", '{"answer":["a\\udc00"]}', ok(("a\ufffd",)), WORDS),
    said("empty_set", '{"answer":[]}', rejected("between 1 and"), WORDS),
    said("score", '{"answer":-0.5,"confidence":0.8}', ok(-0.5, 0.8), TONE),
    said("score_as_text", '{"answer":"0.25","confidence":"0.8"}', ok(0.25, 0.8), TONE),
    said("score_alone", "0.25", ok(0.25), TONE),
    said("score_after_prefix", "Score: -0.25.", ok(-0.25), TONE),
    said("score_with_comma", '{"answer":"0,25"}', ok(0.25), TONE),
    said("score_in_a_sentence", "The tone is 0.25", rejected("JSON object"), TONE),
    said("score_of_something", "1/3", rejected("JSON object"), TONE),
    said("score_true", '{"answer":true}', rejected("must be a number"), TONE),
    said("score_nan", '{"answer":NaN}', rejected("between -1 and 1"), TONE),
    said("score_huge", '{"answer":1' + "0" * 400 + "}", rejected("between -1 and 1"), TONE),
    said("title_alone", "A broken kettle", rejected("JSON object"), TITLE),
]

CONFIDENCES = [
    said("confidence_as_text", '{"answer":"complaint","confidence":"0.9"}'),
    said(
        "confidence_percent",
        '{"answer":"complaint","confidence":95}',
        ok("complaint", 0.95, "read from percent"),
    ),
    said(
        "confidence_percent_sign",
        '{"answer":"complaint","confidence":"95%"}',
        ok("complaint", 0.95, "read from percent"),
    ),
    said(
        "confidence_small_percent",
        '{"answer":"complaint","confidence":"5 %"}',
        ok("complaint", 0.05, "read from percent"),
    ),
    said(
        "confidence_hundred",
        '{"answer":"complaint","confidence":100}',
        ok("complaint", 1.0, "read from percent"),
    ),
    said("confidence_comma", '{"answer":"complaint","confidence":"0,9"}'),
    said("confidence_of_ten", '{"answer":"complaint","confidence":7}', UNSAID),
    said("confidence_in_words", '{"answer":"complaint","confidence":"high"}', UNSAID),
    said("confidence_nan", '{"answer":"complaint","confidence":NaN}', UNSAID),
    said("confidence_negative", '{"answer":"complaint","confidence":-1}', UNSAID),
    said("confidence_true", '{"answer":"complaint","confidence":true}', UNSAID),
    said("confidence_infinite", '{"answer":"complaint","confidence":1e999}', UNSAID),
    said("confidence_missing", '{"answer":"complaint"}', UNSAID),
]

CALL = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": COMPLAINT}}
PARTS = [
    said("content_parts", [{"type": "text", "text": COMPLAINT}]),
    said("content_part_strings", [COMPLAINT[:10], COMPLAINT[10:]]),
    said("output_text_parts", [{"type": "output_text", "text": COMPLAINT, "annotations": []}]),
    said("text_with_value", [{"type": "text", "text": {"value": COMPLAINT, "annotations": []}}]),
    said("one_part", {"content": {"type": "text", "text": COMPLAINT}}),
    said("parsed_content", {"content": json.loads(COMPLAINT)}),
    said("refusal_part", [{"type": "refusal", "refusal": "I cannot."}],
         Right(Status.ABSTAINED, reason="I cannot.")),
    said("refusal", {"content": None, "refusal": "I cannot \ud83d do that."},
         Right(Status.ABSTAINED, reason="I cannot \ufffd do that.")),
    said("number_as_content", {"content": 5}, failed(MalformedResponse, "is no text")),
    said("tool_call", {"content": None, "tool_calls": [CALL]}, finish="tool_calls"),
    said("tool_call_with_object", {"content": "", "tool_calls": [
        {"function": {"name": "answer", "arguments": json.loads(COMPLAINT)}}]}),
    said("tool_call_with_words", {"content": "Let me see.", "tool_calls": [CALL]}),
    said("tool_call_in_a_string", {"content": None, "tool_calls": [
        {"function": {"name": "answer", "arguments": json.dumps(COMPLAINT)}}]}),
    said("kimi_tool_name", {"content": None, "tool_calls": [
        {"function": {"name": "functions.answer:0", "arguments": COMPLAINT}}]}),
    said("litellm_tool_name", {"content": None, "tool_calls": [
        {"function": {"name": "json_tool_call", "arguments": COMPLAINT}}]}),
    said("tool_use_part", [{"type": "tool_use", "name": "answer", "input": json.loads(COMPLAINT)}]),
    said("function_call", {"content": None, "function_call": {
        "name": "answer", "arguments": COMPLAINT}}, finish="function_call"),
    said("other_tool", {"content": None, "tool_calls": [
        {"function": {"name": "search", "arguments": COMPLAINT}}]}, rejected("search")),
    said("two_calls_that_differ", {"content": None, "tool_calls": [
        CALL, {"function": {"name": "answer", "arguments": INVOICE}}]}, rejected("different")),
    said("two_calls_that_agree", {"content": None, "tool_calls": [CALL, CALL]}),
    said("hermes_tool_text",
         f'<tool_call>\n{{"name":"answer","arguments":{COMPLAINT}}}\n</tool_call>'),
    said("llama_tool_text", f'{{"name":"answer","parameters":{COMPLAINT}}}'),
    said("mistral_tool_text", f'[TOOL_CALLS][{{"name":"answer","arguments":{COMPLAINT}}}]'),
    told("two_choices", {"choices": [
        {"index": 1, "message": {"content": INVOICE}},
        {"index": 0, "message": {"content": COMPLAINT}},
    ], "usage": USAGE}, RIGHT),
    told("old_completion", {"choices": [{"text": COMPLAINT}], "usage": USAGE}, RIGHT),
    told("no_choices", {"choices": []}, failed(MalformedResponse, "choices")),
    told("no_object", ["x", "y"], failed(MalformedResponse, "not a JSON object")),
    told("page", b"<html>Bad gateway</html>", failed(MalformedResponse, "not JSON")),
    told("body_in_a_list", [completion(COMPLAINT)], RIGHT),
    told("body_with_mark", b"\xef\xbb\xbf" + json.dumps(completion(COMPLAINT)).encode(), RIGHT),
]  # fmt: skip

TOKENS = [
    {"token": one, "logprob": value, "top_logprobs": []}
    for one, value in [('{"', -1.0), ("answer", 0.0), ('":"', 0.0), ("compl", -0.1), ("aint", -0.2),
                       ('","confidence":0.9}', -2.0)]
]  # fmt: skip
BY_TOKENS = ok("complaint", 0.7408, "token probabilities")
DRAFT_TOKENS = [{"token": INVOICE, "logprob": -9.0}, {"token": "\n", "logprob": -1.0}, *TOKENS]
LOGPROBS = [
    said("logprobs", COMPLAINT, BY_TOKENS, logprobs={"content": TOKENS}),
    said("logprobs_after_a_draft", f"{INVOICE}\n{COMPLAINT}", BY_TOKENS,
         logprobs={"content": DRAFT_TOKENS}),
    said("logprobs_as_list", COMPLAINT, BY_TOKENS, logprobs=TOKENS),
    said("logprobs_old", COMPLAINT, BY_TOKENS, logprobs={
        "tokens": [one["token"] for one in TOKENS],
        "token_logprobs": [one["logprob"] for one in TOKENS], "text_offset": []}),
    said("logprobs_empty_list", COMPLAINT, logprobs=[]),
    said("logprobs_null_content", COMPLAINT, logprobs={"content": None}),
    said("logprobs_text", COMPLAINT, logprobs="none"),
    said("logprobs_number", COMPLAINT, logprobs=3),
    said("logprobs_of_other_words", COMPLAINT, logprobs={"content": [
        {"token": "invoice", "logprob": -0.1}]}),
    said("logprobs_nan", COMPLAINT, logprobs={"content": [
        {**one, "logprob": float("nan")} for one in TOKENS]}),
    said("logprobs_above_one", COMPLAINT, logprobs={"content": [
        {**one, "logprob": 5.0} for one in TOKENS]}),
    said("logprobs_null", COMPLAINT, logprobs={"content": [
        {**one, "logprob": None} for one in TOKENS]}),
    said("logprobs_broken", COMPLAINT, logprobs={"content": [None, 1, {"token": 3}]}),
]  # fmt: skip


def counts(tokens_in: int | None, tokens_out: int | None) -> Right:
    return Right(Status.OK, "complaint", 0.9, tokens=(tokens_in, tokens_out))


ESTIMATED = token_estimate(COMPLAINT)
USAGES = [
    said("usage_floats", COMPLAINT, counts(100, 12),
         usage={"prompt_tokens": 100.0, "completion_tokens": 12.0}),
    said("usage_strings", COMPLAINT, counts(100, 12),
         usage={"prompt_tokens": "100", "completion_tokens": "12"}),
    said("usage_without_output", COMPLAINT, counts(100, ESTIMATED), usage={"prompt_tokens": 100}),
    said("usage_by_difference", COMPLAINT, counts(100, 12),
         usage={"prompt_tokens": 100, "total_tokens": 112}),
    said("usage_zero_output", COMPLAINT, counts(100, ESTIMATED),
         usage={"prompt_tokens": 100, "completion_tokens": 0}),
    said("usage_other_names", COMPLAINT, counts(100, 12),
         usage={"input_tokens": 100, "output_tokens": 12}),
    said("usage_null", COMPLAINT, counts(None, ESTIMATED), usage=None),
    said("usage_negative", COMPLAINT, counts(None, ESTIMATED),
         usage={"prompt_tokens": -1, "completion_tokens": -12}),
    said("usage_beyond_64_bits", COMPLAINT, counts(None, ESTIMATED),
         usage={"prompt_tokens": 2**63, "completion_tokens": 10**30}),
    said("usage_true", COMPLAINT, counts(None, ESTIMATED),
         usage={"prompt_tokens": True, "completion_tokens": True}),
    said("usage_broken", COMPLAINT, counts(None, ESTIMATED),
         usage={"prompt_tokens": 1.5, "completion_tokens": float("nan")}),
    said("usage_list", COMPLAINT, counts(None, ESTIMATED), usage=[1, 2]),
    told("groq_usage", {**completion(COMPLAINT, usage=None), "x_groq": {"usage": USAGE}}, RIGHT),
]  # fmt: skip

ENDINGS = [
    said("filtered", "", unrepairable("content_filter"), finish="content_filter"),
    said("gemini_safety", None, unrepairable("safety"), finish="SAFETY"),
    said("mistral_length", "{", unrepairable("model_length"), finish="model_length"),
    said("anthropic_max_tokens", "{", unrepairable("max_tokens"), finish="max_tokens"),
    said("anthropic_refusal", "I will not.", unrepairable("refusal"), finish="refusal"),
    said("no_finish_reason", COMPLAINT, finish=None),
    said("openrouter_finish_error", "", failed(Unavailable, "finish_reason error"), finish="error"),
    said("deepseek_busy", "", failed(Unavailable, "insufficient_system"),
         finish="insufficient_system_resource"),
]  # fmt: skip


def refused_with(name: str, status: int, given: Any, right: Right, **more: Any) -> Shape:
    return told(name, given, right, http_status=status, **more)


OPENAI_QUOTA = {
    "error": {
        "message": "You exceeded your current quota, please check your plan.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
}
ERRORS = [
    told("error_in_200", {"error": {"message": "Provider returned error: upstream rate limit",
                                    "code": 429}}, failed(Unavailable, "upstream rate limit")),
    told("error_in_200_with_pause", {"error": {"message": "slow down", "code": 429}},
         failed(Unavailable, "429", 7.0), headers=(("Retry-After", "7"),)),
    told("error_in_200_with_pause_inside", {"error": {
        "message": "slow down", "code": 429, "metadata": {"headers": {"Retry-After": "3"}}}},
         failed(Unavailable, "429", 3.0)),
    told("error_in_200_code_as_text", {"error": {"message": "x", "code": "429"}},
         failed(Unavailable, "429")),
    told("error_in_200_type_only", {"error": {"type": "rate_limit_error", "message": "x"}},
         failed(Unavailable, "429")),
    told("error_in_200_overloaded", {"type": "error", "error": {
        "type": "overloaded_error", "message": "Overloaded"}}, failed(Unavailable, "503")),
    told("error_in_200_bad_key", {"error": {"message": "No auth credentials", "code": 401}},
         failed(Unauthorised, "401")),
    told("error_in_200_unpaid", {"error": {"message": "Insufficient credits", "code": 402}},
         failed(PaymentRequired, "402")),
    told("error_in_200_as_text", {"error": "model is loading"}, failed(Unavailable, "loading")),
    told("error_in_200_bad_request", {"object": "error", "message": "too long", "code": 400,
                                      "type": "BadRequestError"},
                                      failed(RequestRefused, "too long")),
    told("error_in_200_detail", {"detail": "Internal error"}, failed(Unavailable, "Internal")),
    told("error_in_200_errors", {"success": False, "errors": [{"code": 10000, "message": "no"}]},
         failed(Unavailable, "no")),
    told("error_in_200_half_a_pair", {"error": {"message": "no \ud83d", "code": 500}},
         failed(Unavailable, "no \ufffd")),
    told("error_in_choice", {"choices": [{"error": {"code": 502, "message": "upstream down"},
                                          "message": {"content": ""}, "finish_reason": "error"}]},
         failed(Unavailable, "upstream down")),
    told("error_null", {**completion(COMPLAINT), "error": None}, RIGHT),
    told("error_empty", {**completion(COMPLAINT), "error": {"code": 0, "message": ""}}, RIGHT),
    refused_with("quota_as_429", 429, OPENAI_QUOTA, failed(PaymentRequired, "quota")),
    refused_with("unpaid", 402, {"error": {"message": "Payment required"}},
                 failed(PaymentRequired, "402")),
    refused_with("deepseek_unpaid", 402, {"error": {"message": "Insufficient Balance"}},
                 failed(PaymentRequired, "Insufficient Balance")),
    refused_with("anthropic_unpaid", 400, {"error": {
        "type": "invalid_request_error", "message": "Your credit balance is too low"}},
                 failed(PaymentRequired, "credit balance")),
    refused_with("gemini_bad_key", 400, [{"error": {
        "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{"reason": "API_KEY_INVALID"}]}}], failed(Unauthorised, "API key")),
    refused_with("azure_filtered", 400, {"error": {
        "code": "content_filter", "status": 400, "message": "The response was filtered",
        "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        failed(RequestRefused, "filtered")),
    refused_with("openrouter_moderated", 403, {"error": {
        "code": 403, "message": "Input was flagged",
        "metadata": {"reasons": ["x"], "flagged_input": "..."}}},
        failed(RequestRefused, "flagged")),
    refused_with("forbidden", 403, b"Forbidden", failed(Forbidden, "403")),
    refused_with("unauthorised", 401, {"error": {"code": "invalid_api_key"}},
                 failed(Unauthorised, "401")),
    refused_with("paced", 429, {"error": {"message": "slow down"}}, failed(Unavailable, "429", 2.0),
                 headers=(("Retry-After", "2"),)),
    refused_with("gemini_paced", 429, {"error": {"status": "RESOURCE_EXHAUSTED", "details": [
        {"retryDelay": "23s"}]}}, failed(Unavailable, "429", 23.0)),
    refused_with("anthropic_overloaded", 529, {"error": {"type": "overloaded_error"}},
                 failed(Unavailable, "529")),
    refused_with("refused_compressed", 400, gzip.compress(b'{"error":"too long"}'),
                 failed(RequestRefused, "too long"), headers=(("Content-Encoding", "gzip"),)),
]  # fmt: skip

WHOLE = json.dumps(completion(COMPLAINT)).encode()
_raw = zlib.compressobj(wbits=-15)
RAW_DEFLATE = _raw.compress(WHOLE) + _raw.flush()


def encoded(name: str, data: bytes, encoding: str, right: Right = RIGHT, **more: Any) -> Shape:
    headers = (("Content-Encoding", encoding),) if encoding else ()
    return told(name, data, right, headers=headers, **more)


ENCODINGS = [
    encoded("gzip", gzip.compress(WHOLE), "gzip"),
    encoded("x_gzip", gzip.compress(WHOLE), "X-GZIP"),
    encoded("gzip_members", gzip.compress(WHOLE[:50]) + gzip.compress(WHOLE[50:]), "gzip"),
    encoded("gzip_unsaid", gzip.compress(WHOLE), ""),
    encoded("gzip_twice", gzip.compress(gzip.compress(WHOLE)), "gzip, gzip"),
    encoded("deflate", zlib.compress(WHOLE), "deflate"),
    encoded("deflate_raw", RAW_DEFLATE, "deflate"),
    encoded("identity", WHOLE, "identity"),
    encoded("brotli", b"\x0b\x02\x80{}\x03", "br", failed(MalformedResponse, "compressed as br")),
    encoded("gzip_cut", gzip.compress(WHOLE)[:-20], "gzip",
            failed(MalformedResponse, "breaks off")),
    encoded("gzip_damaged", gzip.compress(WHOLE)[:20] + b"\xff" * 40, "gzip",
            failed(MalformedResponse, "compressed answer")),
    encoded("gzip_bomb", gzip.compress(bytes(80 << 20)), "gzip",
            failed(MalformedResponse, "larger than")),
]  # fmt: skip


def pieces(text: str = COMPLAINT, size: int = 7) -> list[dict[str, Any]]:
    """The events of a stream that says this text."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[at : at + size]} for at in range(0, len(text), size)]
    found = [{"choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in deltas]
    found.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [*found, {"choices": [], "usage": USAGE}]


def events(given: Sequence[Any], end: str = "\n", space: str = " ", done: bool = True) -> bytes:
    """The bytes of a stream: one event of data each."""
    data = [one if isinstance(one, str) else json.dumps(one) for one in given]
    data += ["[DONE]"] if done else []
    return "".join(f"data:{space}{one}{end}{end}" for one in data).encode()


def streamed(
    name: str, data: bytes | Sequence[bytes], right: Right = RIGHT, task: Task = LETTER, **more: Any
) -> Shape:
    parts = (data,) if isinstance(data, bytes) else tuple(data)
    more = {"headers": EVENTS, **more}
    return Shape(name, task, parts, right, stream=True, **more)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def delta(**given: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": given, "finish_reason": None}]}


STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE}
GREETING = '{"answer":"Grüße \U0001f600","confidence":0.9}'
PRETTY = "\n".join(
    f"data: {line}" for line in json.dumps(delta(content=COMPLAINT), indent=1).split("\n")
)
FIELDS = b"id: 1\nevent: message\nretry: 5\ndata:"
STREAMS = [
    streamed("stream", events(pieces())),
    streamed("stream_crlf", events(pieces(), "\r\n")),
    streamed("stream_cr", events(pieces(), "\r")),
    streamed("stream_no_space", events(pieces(), space="")),
    streamed("stream_no_blank_lines", events(pieces()).replace(b"\n\n", b"\n")),
    streamed("stream_no_done", events(pieces(), done=False)),
    streamed("stream_no_last_line_end", events(pieces(), done=False).rstrip()),
    streamed("stream_no_finish_reason", events([*pieces()[:-2], {"choices": [], "usage": USAGE}])),
    streamed("stream_mark", b"\xef\xbb\xbf" + events(pieces())),
    streamed("stream_comments", events(pieces()).replace(b"\n\n", b"\n\n: keep-alive\n\n:\n")),
    streamed("stream_openrouter", b": OPENROUTER PROCESSING\n\n" * 3 + events(pieces())),
    streamed("stream_fields", events(pieces()).replace(b"data:", FIELDS)),
    streamed("stream_lines_of_data", PRETTY.encode() + b"\n\n" + events([STOP])),
    streamed("stream_bytewise", cut(events(pieces(GREETING), "\r\n"), 1),
             Right(Status.OK, "Grüße \U0001f600", 0.9), TITLE),
    streamed("stream_utf8_borders", cut(
        events([json.dumps(delta(content=GREETING), ensure_ascii=False), STOP]), 3),
             Right(Status.OK, "Grüße \U0001f600", 0.9), TITLE),
    streamed("stream_of_one", [events([delta(content=COMPLAINT), STOP])]),
    streamed("stream_empty_events", events(pieces()).replace(b"data: {", b"data:\n\ndata: {")),
    streamed("stream_azure_first", events([
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, *pieces()])),
    streamed("stream_null_choices", events([{"choices": None}, *pieces()])),
    streamed("stream_usage_every_time", events([{**one, "usage": USAGE} for one in pieces()[:-1]])),
    streamed("stream_two_choices", events([
        {"choices": [{"index": 1, "delta": {"content": INVOICE}, "finish_reason": "stop"}]},
        *pieces()])),
    streamed("stream_think", events(pieces(f"<think>{INVOICE}</think>{COMPLAINT}"))),
    streamed("stream_reasoning", events([delta(reasoning_content=INVOICE), *pieces()])),
    streamed("stream_parts", events([
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": INVOICE}]}]),
        delta(content=[{"type": "text", "text": COMPLAINT}]), STOP])),
    streamed("stream_corrected", events(pieces(f"{INVOICE} no: {COMPLAINT}"))),
    streamed("stream_tool_call", events([
        delta(tool_calls=[{"index": 0, "function": {"name": "answer", "arguments": ""}}]),
        *[delta(tool_calls=[{"index": 0, "function": {"arguments": one}}])
          for one in (COMPLAINT[:9], COMPLAINT[9:])], STOP])),
    streamed("stream_tool_call_whole", events([
        delta(tool_calls=[{"function": {"name": "answer", "arguments": COMPLAINT}}]), STOP])),
    streamed("stream_function_call", events([
        delta(function_call={"name": "answer", "arguments": COMPLAINT[:9]}),
        delta(function_call={"arguments": COMPLAINT[9:]}), STOP])),
    streamed("stream_refusal", events([delta(refusal="I can"), delta(refusal="not."), STOP]),
             Right(Status.ABSTAINED, reason="I cannot.")),
    streamed("stream_logprobs", events([
        {"choices": [{"delta": {"content": one["token"]}, "logprobs": {"content": [one]}}]}
        for one in TOKENS] + [STOP]), BY_TOKENS),
    streamed("stream_error", events([{"error": {"message": "upstream", "code": 429}}]),
             failed(Unavailable, "upstream", 4.0), headers=(*EVENTS, ("Retry-After", "4"))),
    streamed("stream_error_midway", events([*pieces()[:3], {
        "error": {"code": 502, "message": "lost"},
        "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}]),
             failed(Unavailable, "lost")),
    streamed("stream_error_event", b'event: error\ndata: {"message":"busy","code":503}\n\n',
             failed(Unavailable, "busy")),
    streamed("stream_error_as_body", json.dumps(OPENAI_QUOTA, indent=2).encode(),
             failed(PaymentRequired, "quota"), headers=(("Content-Type", "application/json"),)),
    streamed("stream_not_streamed", WHOLE),
    streamed("stream_json_lines", b"".join(json.dumps(one).encode() + b"\n" for one in pieces())),
    streamed("stream_message_at_the_end", events([*pieces()[:4], {
        "choices": [{"message": {"content": COMPLAINT}}], "usage": USAGE}])),
    streamed("stream_filtered", events([*pieces("")[:1], {
        "choices": [{"delta": {}, "finish_reason": "content_filter"}]}]),
             unrepairable("content_filter")),
    streamed("stream_cut", events([*pieces()[:4], {
        "choices": [{"delta": {}, "finish_reason": "length"}]}]),
             unrepairable("length")),
    streamed("stream_breaks_off", events(pieces()[:4], done=False),
             failed(MalformedResponse, "before")),
    streamed("stream_breaks_off_in_an_event", events(pieces()[:4], done=False) + b'data: {"cho',
             failed(MalformedResponse, "before")),
    streamed("stream_broken_event", events(["{nonsense}"]), failed(MalformedResponse, "not JSON")),
    streamed("stream_nothing", b"", failed(MalformedResponse, "no answer")),
    streamed("stream_page", b"<html>\n<body>Gateway</body></html>",
             failed(MalformedResponse, "not JSON")),
    streamed("stream_gzip", cut(gzip.compress(events(pieces())), 11),
             headers=(*EVENTS, ("Content-Encoding", "gzip"))),
    streamed("stream_deflate", zlib.compress(events(pieces(), "\r\n")),
             headers=(*EVENTS, ("Content-Encoding", "deflate"))),
    told("stream_that_nobody_asked_for", events(pieces(), "\r\n"), RIGHT, headers=EVENTS),
]  # fmt: skip


def vector(name: str, given: Any, right: Right, **more: Any) -> Shape:
    """One embedding."""
    data = {"data": [{"index": 0, "embedding": given}], "usage": {"prompt_tokens": 5}}
    return told(name, data, right, VECTOR, **more)


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


VECTORS = [
    vector("vector", [0.5, -1, 2.0], ok((0.5, -1.0, 2.0))),
    vector("vector_base64", packed(0.5, -1.0, 2.0), ok((0.5, -1.0, 2.0))),
    vector("vector_nested", [[0.5, 1.0]], ok((0.5, 1.0))),
    vector("vector_nan", [0.5, float("nan")], rejected("finite")),
    vector("vector_infinite", [0.5, float("inf")], rejected("finite")),
    vector("vector_beyond_32_bits", [0.5, 1e39], rejected("finite")),
    vector("vector_huge_integer", [1, 10**400], rejected("32 bits")),
    vector("vector_zeros", [0.0, 0, -0.0], rejected("all zeros")),
    vector("vector_base64_nan", packed(float("nan"), 1.0), rejected("finite")),
    vector("vector_base64_cut", packed(1.0)[:-3], rejected("base64")),
    vector("vector_words", ["a"], rejected("no number")),
    vector("vector_true", [True, 1.0], rejected("no number")),
    vector("vector_empty", [], rejected("no vector")),
    vector("vector_null", None, rejected("no vector")),
    vector("vector_dimensions", [1.0, 2.0], rejected("3 are expected"), settings={"dimensions": 3}),
    vector("vector_parameter", [1.0], rejected("3 are expected"),
           settings={"parameters": {"dimensions": 3}}),
    told("vector_too_few", {"data": []},
         failed(MalformedResponse, "1 vectors were asked for"), VECTOR),
    told("vector_too_many", {"data": [{"embedding": [1.0]}] * 2},
         failed(MalformedResponse, "2 came"),
         VECTOR),
    told("vector_wrong_index", {"data": [{"index": 1, "embedding": [1.0]}]},
         failed(MalformedResponse, "cover"), VECTOR),
    told("vector_without_index", {"data": [{"embedding": [1.0]}]}, ok((1.0,)), VECTOR),
    told("vector_total_only", {"data": [{"index": 0.0, "embedding": [1.0]}],
                               "usage": {"total_tokens": 5}},
         Right(Status.OK, (1.0,), tokens=(5, 0)), VECTOR),
    told("vector_error", {"error": {"message": "slow", "code": 429}},
         failed(Unavailable, "slow"), VECTOR),
    told("vector_no_data", {"object": "list"}, failed(MalformedResponse, "no data"), VECTOR),
]  # fmt: skip

SHAPES: tuple[Shape, ...] = (
    *DRAFTS,
    *OBJECTS,
    *LABELS,
    *OTHER_KINDS,
    *CONFIDENCES,
    *PARTS,
    *LOGPROBS,
    *USAGES,
    *ENDINGS,
    *ERRORS,
    *ENCODINGS,
    *STREAMS,
    *VECTORS,
)
