"""What a model file may be and hold: the fixed list, and the checks that a file taken apart must pass before it is loaded.

To keep another estimator, add its name to `ESTIMATORS`; `persistence.save` names the types inside it that `PARTS` lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scoring.models.card import cards
from scoring.models.filing.model_files import Opened, UntrustedModel, nodes_of
from scoring.provenance import environment

ESTIMATORS: Final[tuple[str, ...]] = (
    "scoring.inquiry.alternatives.reductions.ReducedScore",
    "scoring.inquiry.alternatives.thresholds.GroupRanks",
    "scoring.models.binning.WoEBinner",
    "scoring.models.boosting.GradientBoosting",
    "scoring.models.calibration.CalibratedScore",
    "scoring.models.value.customer_value.BGNBD",
    "scoring.models.logistic.LogisticScore",
    "scoring.models.segmenting.mixtures.GaussianMixtureSegments",
    "scoring.models.segmenting.rfm.RFMSegmenter",
    "scoring.models.scorecard.Scorecard",
    "scoring.models.segments.KMeansSegments",
    "scoring.models.segments.ScoreBands",
    "scoring.models.value.spend.GammaGamma",
    "scoring.models.segmenting.tiers.LoyaltyTiers",
)
"""What a file may be."""
PARTS: Final[tuple[str, ...]] = (
    "datetime.date",
    "scoring.models.binning.FeatureBins",
    "scoring.models.logistic.Term",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",  # its arrays are checked: `trees`
    "sklearn.mixture._gaussian_mixture.GaussianMixture",
    "sklearn.preprocessing._encoders.OrdinalEncoder",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
    "sklearn.preprocessing._label.LabelEncoder",
    # How scikit-learn's boosting checks a table with categories. A partial only holds a function, and that one must be on this list too.
    "functools.partial",
    "sklearn.utils.validation.check_array",
)
"""What may be inside one."""
TRUSTED: Final = (*ESTIMATORS, *PARTS)
"""All that a file may hold beyond plain values. Fixed: it is never taken from the file."""
CARDS: Final[Mapping[str, str]] = {cards.FORMAT: "scoring.models.scorecard.Scorecard"}
"""Format of a JSON -> the class whose `to_dict` and `from_dict` write and read it."""
PLAIN: Final = frozenset(
    {f"builtins.{name}" for name in ("NoneType", "bool", "bytes", "dict", "float", "int", "list", "set", "slice", "str", "tuple")}
    | {f"numpy.{name}" for name in ("ndarray", "dtype", "bool", "bool_", "str_", "object_", "float32", "float64", "random._generator.Generator")}
    | {f"numpy.{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    | {"numpy.random.PCG64"}
)


def check(opened: Opened, *, other_version: bool = False) -> None:
    """Refuse another kind of estimator, types off the list, and what another scikit-learn wrote.

    Raises
    ------
    UntrustedModel
        The first of these that is so.
    """
    refuse_other(opened.kind, "it")
    admitted(opened, "it")
    if opened.facts and opened.facts.get("kind") != opened.kind:
        raise UntrustedModel(f"it says that it is a {opened.facts.get('kind')}, and is a {opened.kind}. Fix: give a file that `save` wrote.")
    here = environment()["libraries"]["scikit-learn"]
    wrote = (opened.facts.get("versions") or sklearn_of(opened)).get("scikit-learn", here)
    if not other_version and _minor(wrote) != _minor(here) and any(name.startswith("sklearn.") for name in opened.types):
        raise UntrustedModel(
            f"it was written with scikit-learn {wrote}, and here is {here}, which may read its arrays otherwise. Fix: load and save it with "
            f"{_minor(wrote)} (a card as .json hangs on no version), or pass other_version=True and compare its scores with known ones."
        )


def admitted(opened: Opened, where: str) -> tuple[str, ...]:
    """Return the types beyond plain values, after each was found on the list."""
    asked = beyond_plain(opened)
    if foreign := sorted(set(asked) - set(TRUSTED)):
        raise UntrustedModel(f"{where} holds types that are not loaded here: {', '.join(foreign)}. Fix: use plain values in it.")
    return asked


def beyond_plain(opened: Opened) -> tuple[str, ...]:
    """Return the types and functions of a file that are more than plain values."""
    return tuple(name for name in opened.types if name not in PLAIN)


def sklearn_of(opened: Opened) -> dict[str, str]:
    """Return the version of scikit-learn that its estimators of format 1 wrote down, where there are any."""
    for node in nodes_of(opened.schema):
        told = node.get("_sklearn_version")
        if isinstance(told, dict) and isinstance(told.get("content"), str):
            return {"scikit-learn": told["content"].strip('"')}
    return {}


def _minor(version: str) -> str:
    return ".".join(str(version).split(".")[:2])


def refuse_other(kind: str, where: str) -> None:
    """Refuse an estimator that is not kept."""
    if kind not in ESTIMATORS:
        raise UntrustedModel(f"{where} is a {kind}, which is not kept here. Fix: use one of {', '.join(ESTIMATORS)}.")
