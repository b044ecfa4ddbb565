"""From a study to a signed dossier: entered in the register, reviewed, signed in turn, verified; each time and name is handed in.

The study knows no register, the register no study and the signatures neither: here they meet. A sign-off covers the study whose
digest it names; new data, another model or declaration make another digest, and everything here says so.
"""

from scoring.authorising.filed import Filed, enter_study, filed, filed_study
from scoring.authorising.recorded import record_of
from scoring.authorising.reviewing import give_opinion, standing, submit_study, withdraw_study
from scoring.authorising.signed import Checked, sign_dossier, verify_dossier

__all__ = [
    "Checked",
    "Filed",
    "enter_study",
    "filed",
    "filed_study",
    "give_opinion",
    "record_of",
    "sign_dossier",
    "standing",
    "submit_study",
    "verify_dossier",
    "withdraw_study",
]
