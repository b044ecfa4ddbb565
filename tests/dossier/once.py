"""What several files of tests read of the same studies, made once a process: tables, views, composed dossiers, files."""

from scoring.dossier import render
from scoring.dossier.compose import compose, compose_view
from scoring.dossier.evidence import evidence_of
from scoring.dossier.formats.docx import docx
from scoring.dossier.formats.html import html
from scoring.dossier.formats.markdown import markdown
from scoring.dossier.formats.pdf import pdf
from scoring.dossier.view import View

_HELD = {}
_WRITERS = {
    "html": lambda document, _: html(document),
    "md": lambda document, _: markdown(document),
    "pdf": lambda document, study: pdf(document, evidence=evidence_of(study), day=study.plan.as_of, digest=study.digest),
    "docx": lambda document, study: docx(document, day=study.plan.as_of, digest=study.digest),
}
"""What `render` makes of a composed dossier; `test_formats` compares each with `render` itself."""


def once(make, *given):
    """Return what `make` makes of these arguments, from the first time on; for arguments that nobody changes."""
    key = (make, *(one if isinstance(one, str) else id(one) for one in given))
    if key not in _HELD:
        _HELD[key] = (given, make(*given))  # the arguments are kept, so that their ids stay their own
    return _HELD[key][1]


def tables_of(study):
    """Return the published tables, one for all studies of the same counts that ask the same."""
    key = (tables_of, id(study.counts), study.plan.model_dump_json(), study.cutoff, id(study.inquiry))
    if key not in _HELD:
        _HELD[key] = (study, study.published())
    return _HELD[key][1]


def view_of(study, language, record=None):
    """Return `View.of` with tables that are worked out once."""
    return once(_plain_view, study, language) if record is None else View(study, tables_of(study), language, record)


def _plain_view(study, language):
    return View(study, tables_of(study), language, {})


def composed(study, language):
    """Return `compose(study, language)`."""
    return once(_composed, study, language)


def _composed(study, language):
    return compose_view(view_of(study, language))


def written(study, language, kind):
    """Return `render(study, language, kind)`; a file that is a reading of blocks is that of the dossier composed for other tests."""
    return once(_written, study, language, kind)


def _written(study, language, kind):
    return _WRITERS[kind](composed(study, language), study) if kind in _WRITERS else render(study, language, kind)


class Files:
    """The files of a dossier by language and format, made when first asked for; one composition a language, of its own and not as `composed`."""

    def __init__(self, study, record):
        self.study, self.record, self.held = study, record, {}

    def __getitem__(self, key):
        language, kind = key
        if key not in self.held:
            self.held[key] = _WRITERS[kind](self._composed(language), self.study) if kind in _WRITERS else self._rendered(language, kind)
        return self.held[key]

    def _composed(self, language):
        if language not in self.held:
            self.held[language] = compose(self.study, language, self.record)
        return self.held[language]

    def _rendered(self, language, kind):
        return render(self.study, language, kind, self.record)
