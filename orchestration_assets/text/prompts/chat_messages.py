"""The messages of a chat request: the policy's prompt about one question, within the window."""

from functools import lru_cache
from typing import Final

from orchestration_assets.schemas.items import Question, Task
from orchestration_assets.schemas.services import ChatConfig, Prompt
from orchestration_assets.text.prompts.prompt_context import (
    PromptContext,
    SentContent,
    context_for,
)
from orchestration_assets.text.prompts.templates import PromptError, render, variables_in
from orchestration_assets.text.replies.record_schema import fields_in_words, record_request
from orchestration_assets.text.replies.stated_reasons import REASON_REQUEST
from orchestration_assets.text.token_estimates import token_estimate

MESSAGE_TOKENS: Final = 8
"""Tokens that the frame around one message takes, about."""


def chat_messages(
    question: Question, config: ChatConfig, service: str, *, with_path: bool
) -> tuple[list[dict[str, str]], SentContent]:
    """The messages about a question, and what of its content they hold.

    The context shrinks until the prompt and the output fit the service's window. ``with_path``:
    whether any prompt of the service shows the path. Of a question that checks an answer, that is
    shown in any case. Raises PromptError where the prompt does not fit even without content.
    """
    task, limits = question.task, config.context
    prompt = config.prompts.get(task.name, config.prompt)
    window = limits.window_tokens - config.output_tokens
    named = variables_in(prompt)
    context = context_for(
        question,
        config.guard.redact,
        min(limits.content_tokens, window),
        window,
        with_path=with_path,
        neighbour_tokens=limits.neighbour_tokens if "neighbours" in named else None,
        passage_tokens=limits.passage_tokens if "passages" in named else None,
        memory_tokens=limits.memory_tokens if "memory" in named else None,
        with_answers="answers" in named,
    )
    while True:
        system, user = _rendered(prompt, task, context)
        if task.fields and "fields" not in named:
            user = f"{user}\n\n{record_request(task.fields, quotes=task.quotes)}"
        if task.checks:
            user = _with_checked(user, prompt, context, service)
        if config.explain or task.checks:
            user = f"{user}\n\n{REASON_REQUEST}"
        tokens = _prompt_tokens(context, system, user)
        if tokens <= window:
            break
        smaller = context.smaller(tokens - window)
        if smaller is None:
            raise PromptError(
                f"the prompt of {service} takes {tokens} tokens without any content, and "
                f"{window} fit: shorten it or raise context.window_tokens"
            )
        context = smaller
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": user}], context.sent(tokens)


def _with_checked(user: str, prompt: Prompt, context: PromptContext, service: str) -> str:
    """The prompt with the answer that is asked about. Raises PromptError where it does not fit."""
    if not context.earlier:
        raise PromptError(
            f"the answer to check does not fit into the prompt of {service}: raise "
            "context.window_tokens"
        )
    if "earlier" in variables_in(prompt):
        return user
    (checked,) = context.earlier
    return f"{user}\n\nThe answer to check: {checked['answer']}"


def _rendered(prompt: Prompt, task: Task, context: PromptContext) -> tuple[str, str]:
    """System and user message. Raises PromptError."""
    values = {
        "task": task,
        "labels": task.labels,
        "fields": fields_in_words(task.fields) if task.fields else "",
        "scale": task.scale,
        "content": context.content.text,
        "earlier": context.earlier,
        "neighbours": context.neighbours,
        "passages": context.passages,
        "memory": {**context.memory.values, "speaker": context.speaker},
        "path": context.path,
        "answers": context.answers,
        "part": context.part,
        "parts": context.parts,
    }
    return render(prompt, values)


def _prompt_tokens(context: PromptContext, system: str, user: str) -> int:
    frame = 2 * MESSAGE_TOKENS + _system_tokens(system)
    if user == context.content.text:
        return frame + context.content.tokens
    # the content is most of it, and its tokens are counted already
    rest = user.replace(context.content.text, "", 1)
    if len(rest) < len(user):
        return frame + context.content.tokens + token_estimate(rest)
    # it stands in the other message, or not as it is
    return frame + token_estimate(user)


@lru_cache(maxsize=64)
def _system_tokens(text: str) -> int:
    """Mostly the same text for every item."""
    return token_estimate(text)
