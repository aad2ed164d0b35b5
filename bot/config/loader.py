"""Where settings come from: `config/*.yaml`, over them the environment (and `.env`), over them the command line.

Everything is read and checked before anything starts; a refusal is one sentence per problem. The result carries a
version, the hash of all that is in force, which every transition points to. Secrets come from the environment or `.env`
alone and are neither in the text nor in the hash. A later reload calls `load` again and compares versions.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, get_origin
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel

from bot.config.explain import AnyModel, Origins, Source, checked, guess, place, refusal
from bot.config.options import OVERLAY_VARIABLE
from bot.config.people import faults_of_people
from bot.config.places import placed, placed_url
from bot.config.schema import Mode, Settings
from bot.config.secret_words import DISCORD_WEBHOOK, Secrets, holds_password, looks_secret, shown, without_passwords
from bot.config.yaml_source import KeyPath, YamlTree, dotted, parse_scalar, read_yaml, refuse_no_text
from bot.domain.addresses import is_loopback, is_readable_on_the_way
from bot.domain.errors import ConfigError
from bot.domain.outside import host_only, private_parts

PREFIX: Final = "QUANTICITY__"
VERSION_DIGITS: Final = 12
# Which section of the whole a file holds; () is the top.
FILES: Final[Mapping[str, KeyPath]] = {
    "bot.yaml": (),
    "strategies.yaml": ("strategies",),
    "data_sources.yaml": ("sources",),
    "overseer.yaml": ("overseer",),
    "alerts.yaml": ("alerts",),
    "universe.yaml": ("universe",),
    "discovered.yaml": ("discovered",),
}
SOURCES: Final = "sources"
OWN_SOURCES: Final = "sources"
"""The folder below config/ in which a data source may have a file of its own."""
OVERLAYS: Final = "overlays"
_SOURCE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
SHORTEST_LOGIN_TOKEN: Final = 16
PATHS: Final = (
    ("database", "url"),
    ("database", "backup_dir"),
    ("engine", "kill_switch_file"),
    ("engine", "record_dir"),
    ("engine", "dead_man_file"),
    ("sim", "state_dir"),
    ("smtp", "ca_file"),
)
"""Every setting that names a place on the disk; a test holds the schema to it."""
_DOORS: Final = (("web", "port"), ("sim", "tws_port"), ("sim", "uw_port"))
"""Where this program itself listens: as little a decision as a path."""
_SECTIONS: Final = frozenset(
    name for name, info in Settings.model_fields.items() if isinstance(info.default, BaseModel)
)  # one whose lines are all commented out is an empty one


class SourcedTree(dict[str, Any]):
    """A raw section that still knows where each of its values was written."""

    def __init__(self, values: Mapping[str, Any], origins: Origins) -> None:
        super().__init__(values)
        self.origins = origins


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """Everything that is in force.

    `text` is canonical JSON without secrets, with paths as they were written; `version` is the first digits of the
    SHA-256 of the same without the `PATHS` and the ports that we listen on: where a bot keeps its things and is met
    changes no decision. In `settings`, relative paths are already those below `root`, the directory that holds
    `config/`.
    """

    settings: Settings
    sources_tree: SourcedTree
    version: str
    text: str
    secrets: Secrets
    root: Path
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def read_again(self) -> LoadedConfig:
        """Return what files, environment and the same command line say now; raises ConfigError."""
        return load(self.root, self.overrides)

    def saying(self, whole: dict[str, Any]) -> LoadedConfig:
        """Return the same with another text (`settings` and `sources`), and the version that this has."""
        version = hashlib.sha256(_as_text(_without_places(whole)).encode()).hexdigest()[:VERSION_DIGITS]
        return replace(self, text=_as_text(whole), version=version)

    def hidden(self) -> list[str]:
        """Return every text that no log, page or message may hold: the secrets, and what is private in addresses."""
        private = private_parts(self.settings.database.url)
        private |= private_parts(self.settings.engine.dead_man_url, path_too=True)
        for section in (self.settings.telegram, self.settings.discord, self.settings.anthropic):
            private |= private_parts(section.base_url)
        for vendor in self.sources_tree.values():
            private |= private_parts(str(vendor.get("base_url", ""))) if isinstance(vendor, Mapping) else set()
        return [*self.secrets, *sorted(private)]

    def require_secrets(self) -> None:
        """Raise ConfigError naming each secret that the mode needs and that is not set."""
        missing = missing_secrets(self)
        if missing:
            raise ConfigError("\n".join(missing))


def load(
    root: Path, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> LoadedConfig:
    """Read `root/config/*.yaml` and `root/.env`; raises ConfigError with one sentence per problem.

    `overrides` are dotted keys with their values (`{"sim.seed": 3}`) and win over everything; `environ` is the
    process's environment unless given, and wins over `.env`. A file that is absent leaves the defaults.
    """
    environment = {**_dotenv(root / ".env"), **(os.environ if environ is None else environ)}
    tree: dict[str, Any] = {}
    origins: dict[KeyPath, Source] = {}
    for name, section in FILES.items():
        _add_file(root, name, section, tree, origins)
    _add_own_sources(root, tree, origins)
    _add_overlay(root, environment.get(OVERLAY_VARIABLE, ""), tree, origins)
    _add_environment(environment, tree, origins)
    for key, value in (overrides or {}).items():
        path = _canonical(key.split("."), tree)
        _put(tree, path, value)
        origins[path] = Source("command line", key, "Correct the option.")
    return replace(_finish(root, tree, origins, environment), overrides=dict(overrides or {}))


def validate_section(tree: Mapping[str, Any], key: str, model: type[AnyModel]) -> AnyModel:
    """Return the raw section at the dotted `key` (such as `sources`) as its room's model; raises ConfigError."""
    origins = tree.origins if isinstance(tree, SourcedTree) else {}
    return checked(model, tree, origins, tuple(key.split(".")) if key else ())


def missing_secrets(config: LoadedConfig) -> list[str]:
    """Return one sentence for each secret that the mode needs and that is not set, is too short, or would be sent where
    others can read it, and for each person who is missing. The simulator needs none."""
    settings, secrets = config.settings, config.secrets
    if settings.mode is Mode.SIM:
        return []
    mend = f"Set it in the environment or in {config.root / '.env'} (see .env.example)."
    missing = []
    for _, vendor in _asked(config.sources_tree):
        needed = vendor.variable if vendor.required and not _is_local(vendor.address) else ""
        if needed and not secrets.of_vendor(needed):
            missing.append(f"{vendor.variable} is not set, and mode {settings.mode} reads {vendor.title}. {mend}")
    missing += _tokens_in_clear(config)
    if secrets.discord_webhook_url and not DISCORD_WEBHOOK.match(secrets.discord_webhook_url):
        missing.append(
            "DISCORD_WEBHOOK_URL is not the address of a webhook: copy it from the channel's settings at Discord, "
            "like https://discord.com/api/webhooks/ID/TOKEN. Or leave it empty."
        )
    if settings.web.enabled and 0 < len(secrets.web_login_token or "") < SHORTEST_LOGIN_TOKEN:
        missing.append(
            f"WEB_LOGIN_TOKEN has fewer than {SHORTEST_LOGIN_TOKEN} characters, and it is all that guards the page. "
            f'{mend} `python -c "import secrets; print(secrets.token_urlsafe(24))"` makes one.'
        )
    missing += faults_of_people(settings, secrets.web_login_tokens, secrets.web_login_token or "", SHORTEST_LOGIN_TOKEN)
    if not secrets.web_login_token and not secrets.web_login_tokens and settings.web.enabled:
        missing.append(
            f"WEB_LOGIN_TOKEN is not set, and mode {settings.mode} has a page that can act. {mend} "
            "Or set WEB_LOGIN_TOKEN_<NAME> for somebody of people.users, or turn the page off with web.enabled: false."
        )
    return missing


def _tokens_in_clear(config: LoadedConfig) -> list[str]:
    settings, secrets = config.settings, config.secrets
    vendors = [
        (f"sources.{name}", vendor.address, "the vendor's token", secrets.of_vendor(vendor.variable))
        for name, vendor in _asked(config.sources_tree)
    ]
    sent = (
        *vendors,
        ("telegram", settings.telegram.base_url, "the bot's token", secrets.telegram_bot_token),
        ("discord", settings.discord.base_url, "the bot's token", secrets.discord_bot_token),
        ("discord", settings.discord.base_url, "the webhook's token", secrets.discord_webhook_url),
        ("anthropic", settings.anthropic.base_url, "the key", secrets.anthropic_api_key),
    )
    return [
        f"{section}.base_url: {what} is sent there, and without https others can read it. "
        "Use https; http is for this machine alone."
        for section, address, what, secret in sent
        if address and secret and is_readable_on_the_way(address)
    ]


_USUAL_TITLE: Final = {"unusual_whales": "Unusual Whales"}
_USUAL_VARIABLE: Final = {"unusual_whales": "UNUSUAL_WHALES_TOKEN"}


@dataclass(frozen=True, slots=True)
class _Vendor:
    """What of a data source matters before its room has read it."""

    title: str
    address: str
    variable: str
    required: bool


def _asked(tree: Mapping[str, Any]) -> Iterator[tuple[str, _Vendor]]:
    """Yield the data sources that are not turned off; Unusual Whales is one unless the file says otherwise."""
    for name, vendor in {"unusual_whales": {}, **tree}.items():
        if isinstance(vendor, Mapping) and vendor.get("enabled", True) is not False:
            auth = vendor.get("auth")
            variable = str(auth.get("env", "")) if isinstance(auth, Mapping) else _USUAL_VARIABLE.get(str(name), "")
            title = str(vendor.get("title", "")) or _USUAL_TITLE.get(str(name), str(name))
            told = auth.get("required") if isinstance(auth, Mapping) else None
            required = str(name) in _USUAL_VARIABLE if told is None else told is not False
            yield str(name), _Vendor(title, str(vendor.get("base_url", "")), variable, required)


def _is_local(address: str) -> bool:
    return is_loopback(urlsplit(address).hostname or "")


def others_may_read(path: Path) -> bool:
    """Say whether a file of secrets is there and open to anybody but its owner."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def _dotenv(path: Path) -> dict[str, str]:
    try:
        return {key: value for key, value in dotenv_values(path, interpolate=False).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}). Make it a readable UTF-8 file.") from error


def _add_file(root: Path, name: str, section: KeyPath, tree: dict[str, Any], origins: dict[KeyPath, Source]) -> None:
    shown_as = f"config/{name}"
    written = _unwrapped(read_yaml(root / "config" / name, shown_as), section)
    for path, line in written.lines.items():
        origins[(*section, *path)] = Source(f"{shown_as} line {line}", dotted(path), "Correct or remove that line.")
    problems = list(_secrets_in(written.values, (), section, origins))
    if not section:
        for other, (home, *_) in ((file, place) for file, place in FILES.items() if place):
            if home in written.values:
                problems.append(f"{origins[home,].where}: {home} belongs in config/{other}. Move it there.")
    if problems:
        raise ConfigError("\n".join(problems))
    if written.values or not section:
        _merge(tree, section, written.values)


def _add_own_sources(root: Path, tree: dict[str, Any], origins: dict[KeyPath, Source]) -> None:
    """Read the data sources that have a file of their own, `config/sources/NAME.yaml`."""
    for path in sorted((root / "config" / OWN_SOURCES).glob("*.yaml")):
        shown_as = f"config/{OWN_SOURCES}/{path.name}"
        if not _SOURCE_NAME.fullmatch(path.stem):
            raise ConfigError(f"{shown_as}: the file has the source's name: small letters, digits and _.")
        if path.stem in (tree.get(SOURCES) or {}):
            raise ConfigError(f"{shown_as}: {path.stem} is in config/data_sources.yaml already. Keep one of them.")
        section: dict[str, Any] = {}
        _add_file(root, f"{OWN_SOURCES}/{path.name}", (SOURCES, path.stem), section, origins)
        if not isinstance(tree.get(SOURCES), dict):
            tree[SOURCES] = {}
        tree[SOURCES][path.stem] = section.get(SOURCES, {})


def _add_overlay(root: Path, name: str, tree: dict[str, Any], origins: dict[KeyPath, Source]) -> None:
    """Lay `config/overlays/NAME.yaml` over everything that the files say; its lists take the place of theirs."""
    if not name:
        return
    shown_as = f"config/{OVERLAYS}/{name}.yaml"
    known = sorted(path.stem for path in (root / "config" / OVERLAYS).glob("*.yaml"))
    if name not in known:
        raise ConfigError(f"--overlay {name}: there is no {shown_as}. There are: {', '.join(known) or 'none'}.")
    written = read_yaml(root / "config" / OVERLAYS / f"{name}.yaml", shown_as)
    if problems := list(_secrets_in(written.values, (), (), origins)):
        raise ConfigError("\n".join(problems))
    _lay_over(tree, written.values)
    for path in sorted(written.lines, key=len):
        if not isinstance(_at(written.values, path), dict):
            _forget_below(origins, path)
    for path, line in written.lines.items():
        origins[path] = Source(f"{shown_as} line {line}", dotted(path), "Correct or remove that line.")


def _lay_over(tree: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        below = tree.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            _lay_over(below, value)
        else:
            tree[key] = value


def _at(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = _inside(values, part)
    return values


def _unwrapped(written: YamlTree, section: KeyPath) -> YamlTree:
    """Take a file that repeats its section's name at the top for the same thing."""
    if not section or set(written.values) != set(section) or not isinstance(written.values[str(section[0])], dict):
        return written
    inner = {path[1:]: line for path, line in written.lines.items() if len(path) > 1}
    return YamlTree(written.values[str(section[0])], inner)


def _merge(tree: dict[str, Any], section: KeyPath, values: dict[str, Any]) -> None:
    if section:
        tree[str(section[0])] = values
    else:
        tree.update(values)


def _secrets_in(value: Any, at: KeyPath, section: KeyPath, origins: Origins) -> Iterator[str]:
    """Yield a sentence for each thing in a file that must not be in a file."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        here = (*at, key)
        origin = origins.get((*section, *here)) or Source("config", dotted(here), "Remove it.")
        if isinstance(key, str) and looks_secret(key) and not (key == "auth" and isinstance(inner, Mapping)):
            names = ", ".join(Secrets.variables())
            yield (
                f"{origin.where}: {origin.key} looks like a secret, and secrets are never read from YAML. "
                f"Remove the line and set the environment variable or a line of .env instead (known: {names})."
            )
        elif holds_password(inner):
            variable = PREFIX + "__".join(str(part) for part in (*section, *here)).upper()
            yield (
                f"{origin.where}: {origin.key} holds a password. "
                f"Remove it here and set {variable} in the environment or in .env."
            )
        else:
            yield from _secrets_in(inner, here, section, origins)


def _add_environment(environment: Mapping[str, str], tree: dict[str, Any], origins: dict[KeyPath, Source]) -> None:
    problems = []
    for variable in sorted(name for name in environment if name.upper().startswith(PREFIX)):
        origin = Source(f"environment variable {variable}", "it", "Correct or unset it.")
        parts = variable[len(PREFIX) :].split("__")
        if not all(parts):
            problems.append(refusal(origin, f"has an empty part. Write {PREFIX}SECTION__KEY."))
            continue
        path = _canonical(parts, tree)
        origin = Source(origin.where, dotted(path), origin.remedy)
        try:
            _put(tree, path, _from_text(environment[variable], path))
        except ConfigError as error:
            problems.append(
                refusal(origin, f"{without_passwords(host_only(environment[variable]))!r} cannot be taken: {error}.")
            )
        _forget_below(origins, path)
        origins[path] = origin
    if problems:
        raise ConfigError("\n".join(problems))


def _from_text(text: str, path: KeyPath) -> Any:
    """Read a value as YAML would, but leave text as it is where the schema wants text: an account may be all digits."""
    allowed = place(Settings, path)
    refuse_no_text(text)
    if path[0] != SOURCES and allowed and allowed.annotation is str:
        return text
    return parse_scalar(text)


def _canonical(parts: list[str], tree: Mapping[str, Any]) -> KeyPath:
    """Return the key path that was meant: keys that are written or known are found whatever their case."""
    path: KeyPath = ()
    here: Any = tree
    for part in parts:
        known = [*(here if isinstance(here, Mapping) else ()), *_known_below(path)]
        name: str | int = next((k for k in known if str(k).lower() == part.lower()), _as_new_key(part, path))
        if isinstance(here, list) and part.isdigit():
            name = int(part)
        path = (*path, name)
        here = _inside(here, name)
    return path


def _as_new_key(part: str, path: KeyPath) -> str:
    """Settings are lower case; the keys of a free mapping (a symbol) stay as they were written."""
    section = place(Settings, path)
    return part if section and get_origin(section.annotation) is dict else part.lower()


def _known_below(path: KeyPath) -> list[str]:
    section = place(Settings, path)
    if section is None or not isinstance(section.annotation, type) or not issubclass(section.annotation, BaseModel):
        return []
    return list(section.annotation.model_fields)


def _inside(here: Any, name: str | int) -> Any:
    if isinstance(here, Mapping):
        return here.get(name)
    if isinstance(here, list) and isinstance(name, int) and name < len(here):
        return here[name]
    return None


def _put(tree: dict[str, Any], path: KeyPath, value: Any) -> None:
    here: Any = tree
    for part in path[:-1]:
        inside = _inside(here, part)
        if isinstance(here, list) and inside is None:
            raise ConfigError(f"the list has {len(here)} entries, counted from 0")
        if not isinstance(inside, dict | list):
            inside = here[part] = {}
        here = inside
    if isinstance(here, list) and not (isinstance(path[-1], int) and path[-1] < len(here)):
        raise ConfigError(f"the list has {len(here)} entries, counted from 0")
    here[path[-1]] = value


def _forget_below(origins: dict[KeyPath, Source], path: KeyPath) -> None:
    for inner in [each for each in origins if each[: len(path)] == path]:
        del origins[inner]


def _as_text(whole: dict[str, Any]) -> str:
    return json.dumps(shown(whole), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _without_places(whole: dict[str, Any]) -> dict[str, Any]:
    settings = {name: dict(value) if isinstance(value, dict) else value for name, value in whole["settings"].items()}
    for section, name in (*PATHS, *_DOORS):
        settings[section].pop(name)
    return {**whole, "settings": settings}


def _finish(
    root: Path, tree: dict[str, Any], origins: dict[KeyPath, Source], environment: Mapping[str, str]
) -> LoadedConfig:
    raw_sources = tree.pop(SOURCES, {}) or {}
    if not isinstance(raw_sources, dict):
        raise ConfigError("config/data_sources.yaml: sources must be `key: value` lines. Correct the file.")
    _known_sections(tree, origins)
    written = {key: value for key, value in tree.items() if value is not None or key not in _SECTIONS}
    settings = checked(Settings, written, origins)
    if settings.mode is not Mode.SIM and others_may_read(root / ".env"):
        raise ConfigError(f"{root / '.env'} can be read by others, and mode {settings.mode} trades: chmod 600 it.")
    whole = {"settings": settings.model_dump(mode="json"), SOURCES: raw_sources}
    text = _as_text(whole)
    return LoadedConfig(
        settings=_anchored(settings, root),
        sources_tree=SourcedTree(copy.deepcopy(raw_sources), origins),
        version=hashlib.sha256(_as_text(_without_places(whole)).encode()).hexdigest()[:VERSION_DIGITS],
        text=text,
        secrets=Secrets.from_environment(environment, [vendor.variable for _, vendor in _asked(raw_sources)]),
        root=root,
    )


def _anchored(settings: Settings, root: Path) -> Settings:
    """Return the settings with each path at its place: where the program is called from does not matter."""
    found: dict[str, dict[str, str]] = {}
    for section, key in PATHS:
        written = getattr(getattr(settings, section), key)
        try:
            place = placed_url(written, root) if key == "url" else placed(written, root)
        except ValueError as error:
            raise ConfigError(f"{section}.{key}: {without_passwords(str(error))}. Write another path.") from error
        found.setdefault(section, {})[key] = place
    return settings.model_copy(
        update={section: getattr(settings, section).model_copy(update=places) for section, places in found.items()}
    )


def _known_sections(tree: Mapping[str, Any], origins: Origins) -> None:
    """Refuse an unknown top-level key here, because `sources` is one of the known without being in the schema."""
    known = [*Settings.model_fields, SOURCES]
    problems = [
        refusal(origins[key,], f"{key} is an unknown key.{guess(key, known)} Known here: {', '.join(known)}.")
        for key in tree
        if key not in known and (key,) in origins
    ]
    if problems:
        raise ConfigError("\n".join(problems))
