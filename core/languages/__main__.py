"""python -m core.languages: bring the .po files up to date; translations stay, those of new sentences are empty."""

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from core.languages import ENGLISH, LANGUAGES, Language
from core.languages.messages import messages


def updated(language: Language) -> Catalog:
    """The catalogue of a language with exactly the present sentences, and what was translated of them before."""
    before = Catalog(locale=language.code)
    if language.catalogue.exists():
        with language.catalogue.open("rb") as file:
            before = read_po(file, locale=language.code)
    catalogue = Catalog(
        locale=language.code,
        project="DermTrail",
        version="0.1.0",
        creation_date=before.creation_date,
        revision_date=before.creation_date,
        header_comment=f"# {language.name}. No sentence has been checked by a clinician yet.",
        msgid_bugs_address="",
        last_translator="",
        language_team="",
        fuzzy=False,
    )
    for sentence, comment in messages().items():
        known = before.get(sentence)
        catalogue.add(sentence, known.string if known else "", auto_comments=[comment])
    return catalogue


def main() -> None:
    """Write every catalogue and say how many sentences have no translation."""
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        catalogue = updated(language)
        with language.catalogue.open("wb") as file:
            write_po(file, catalogue, width=120, omit_header=False)
        print(f"{language.code}: {sum(not message.string for message in catalogue if message.id)} to translate")


if __name__ == "__main__":
    main()
