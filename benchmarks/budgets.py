"""What budgets of 10, 30, 50 and 80 % of the full price buy, beside a solver that knows it all.

Every service is in the plan of every item; the full price asks all of them. Accuracy is the share
of all items whose standing answer is right. The solver has the true expected value of each next
call, given all that was answered before: the share right in each cell of answers and confidences,
over all items of the set. It is the optimum of a linear programme over them, by backward
induction at every exchange rate. Beside it, with the very code that carries out plans:
"by value" orders the calls of a parallel plan by risk and reliability a dollar ("scorecards":
reliabilities from the training half, as after verdicts; "unknown": none), "learned" follows
operating points that were learned from the training half, and "first come" is what came before
there was an order. Generated services with known truth come first; DIR (or
ORCHESTRATION_EVAL_DATA) adds recorded ones in FrugalML's layout.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks._output import table, write_json
from orchestration_assets.evidence.recorded_answer_files import (
    RecordedAnswersError,
    find_frugalml_folders,
    load_frugalml,
)
from orchestration_assets.evidence.recorded_answers import (
    MISSING,
    Bools,
    Floats,
    Ints,
    RecordedAnswers,
    random_halves,
)
from orchestration_assets.processing.asker import CALLED, NOT_CALLED, AskResult
from orchestration_assets.processing.funding import Ask, Funding, FundingRules
from orchestration_assets.processing.plan_execution import execute
from orchestration_assets.processing.plan_result import PlanResult, lead
from orchestration_assets.processing.selector_execution import run_learned
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, Status
from orchestration_assets.schemas.items import Item, Question, Reading, Task
from orchestration_assets.schemas.policy import Choice, Learned
from orchestration_assets.schemas.tables import PlanRow, ProfileStatus
from orchestration_assets.selection.active_selector import (
    ActiveSelector,
    ChosenPoint,
    CurrentPrices,
    choose_points,
)
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.learner import fit_selector
from orchestration_assets.selection.strategies import is_sampled
from orchestration_assets.selection.trained_selector import TrainedSelector, build_trained_selector
