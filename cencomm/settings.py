"""The one settings file. Everything that differs between places comes from the environment.

A value that is secret can also come from a file: set NAME_FILE instead of NAME. `cencomm.checks` refuses unsafe
combinations at start with a sentence that says what to do.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from cencomm import __version__

# How long the C library asks a name server that is silent: mail, stores and Redis set no limit of their own.
os.environ.setdefault("RES_OPTIONS", "timeout:2 attempts:2")

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """Return the variable NAME, or the content of the file that NAME_FILE names, or the default."""
    file = os.environ.get(f"{name}_FILE")
    return Path(file).read_text().strip() if file else os.environ.get(name, default)


def env_flag(name: str, *, default: bool = False) -> bool:
    """Return whether the variable NAME says yes."""
    value = env(name)
    return value.lower() in {"1", "true", "yes", "on"} if value else default


def env_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated variable NAME as a list."""
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def first_name(hosts: list[str]) -> str:
    """Return the first of these hosts that is a name and no IP address: only a name can have passkeys."""
    for host in hosts:
        try:
            ip_address(host.strip("[]"))
        except ValueError:
            return host.lstrip(".")
    return "localhost"


DATA_DIR = Path(env("CENCOMM_DATA") or BASE_DIR / ".data")
DEBUG = env_flag("CENCOMM_DEBUG")
# One machine over plain HTTP on the loopback address: cookies cannot carry the __Host- prefix there.
PLAIN_HTTP = env_flag("CENCOMM_PLAIN_HTTP")
SECRET_KEY = env("CENCOMM_SECRET_KEY")
if not SECRET_KEY and (DATA_DIR / "secret-key").exists():
    SECRET_KEY = (DATA_DIR / "secret-key").read_text().strip()
ALLOWED_HOSTS = env_list("CENCOMM_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CENCOMM_ORIGINS")
REDIS_URL = env("REDIS_URL")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "channels",
    "django_otp",
    "django_otp_webauthn",
    "procrastinate.contrib.django",
    "audit",
    "accounts",
    "nomenclature",
    "groups",
    "simplified_forms",
    "messaging",
    "cen",
    "exports",
    "cencomm",
]

MIDDLEWARE = [
    "cencomm.metrics.door.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "cencomm.middleware.EdgeHeadersMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cencomm.static.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.OfficerSessionMiddleware",
    "accounts.middleware.OfficerLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.SecondFactorRequiredMiddleware",  # Django's LoginRequiredMiddleware and more
    "cencomm.middleware.RefusalMiddleware",
    "cencomm.rates.RatesMiddleware",
    "accounts.middleware.StepUpMiddleware",
]

ROOT_URLCONF = "cencomm.urls"
ASGI_APPLICATION = "cencomm.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ]
            if not DEBUG
            else ["django.template.loaders.filesystem.Loader"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cencomm.context.place",
            ],
        },
    }
]


# The owner role changes tables, which may take long; nothing else may run without an end. It waits for no table for
# long: everybody else would stand behind it.
AS_OWNER = env_flag("CENCOMM_AS_OWNER")
OWNER_LIMITS = "-c lock_timeout=5s"
STATEMENT_LIMITS = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"


# A server that vanished without a word is noticed within some 20 seconds, one that does not answer within 5; libpq
# tries the next host of the address then. All of it can be said otherwise in the address.
NETWORK_LIMITS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def check_connection(connection: Any) -> None:
    """Whether a connection of the pool may be used: it works, and its server holds the history that it should."""
    from messaging.history import check_connection as check

    check(connection)


def database(url: str, *, name: str, **pool: Any) -> dict[str, Any]:
    """Turn a libpq address into Django's form, with a connection pool and no statement without an end."""
    parts = {**NETWORK_LIMITS, **(conninfo_to_dict(url) if url else {})}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", name),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "ATOMIC_REQUESTS": False,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **parts,
            "pool": {
                "min_size": 1,
                "max_size": int(env("CENCOMM_POOL", "16")),
                "timeout": 5,
                "max_idle": 120,
                "reconnect_timeout": 5,  # then whoever needs one tries anew: no pause grows after a fail-over
                **pool,
            },
            "options": OWNER_LIMITS if AS_OWNER else STATEMENT_LIMITS,
        },
    }


DATABASES = {
    "default": database(env("DATABASE_URL"), name="cencomm", check=check_connection),
    "cen": database(env("CEN_DATABASE_URL"), name="cen"),
}
# Roles that own nothing and may only read and write rows; the addresses above name them, `migrate` uses the owners.
CENCOMM_APPLICATION_ROLES = {
    "default": env("CENCOMM_DATABASE_ROLE", "cencomm_app"),
    "cen": env("CEN_DATABASE_ROLE", "cen_app"),
}
DATABASE_ROUTERS = ["cencomm.routers.CenRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.Officer"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["accounts.hashers.OfficerArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.BreachedPasswordValidator"},
    {"NAME": "accounts.passwords.PlaceWordsValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
OTP_TOTP_ISSUER = "CENcomm"

# Passkeys (WebAuthn) belong to one domain: that of the first name that officers type, and the names below it. A
# passkey registered for one domain is worth nothing at another, so this is not to be changed later.
OTP_WEBAUTHN_RP_ID = env("CENCOMM_PASSKEY_DOMAIN") or first_name(ALLOWED_HOSTS)
OTP_WEBAUTHN_RP_NAME = "CENcomm"
# For the library's own checks; an answer must name the very site that was asked (accounts.relying_party).
OTP_WEBAUTHN_ALLOWED_ORIGINS = CSRF_TRUSTED_ORIGINS or [
    f"{'http' if PLAIN_HTTP else 'https'}://{OTP_WEBAUTHN_RP_ID}"
]
OTP_WEBAUTHN_SUPPORTED_COSE_ALGORITHMS = [-8, -7, -257]  # EdDSA, ES256, RS256: what authenticators have
OTP_WEBAUTHN_EXCEPTION_LOGGER_NAME = ""

SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = "cencomm_session" if PLAIN_HTTP else "__Host-cencomm_session"
SESSION_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_NAME = "cencomm_csrf" if PLAIN_HTTP else "__Host-cencomm_csrf"
CSRF_FAILURE_VIEW = "cencomm.middleware.csrf_failure"
CSRF_COOKIE_SECURE = not PLAIN_HTTP
CSRF_COOKIE_SAMESITE = "Strict"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie of its own

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 63072000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not PLAIN_HTTP
SECURE_SSL_REDIRECT = False  # the proxy does; a health check reaches a web process directly
SECURE_PROXY_SSL_HEADER = None if PLAIN_HTTP else ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
# `check --deploy` is to be quiet: the proxy redirects to HTTPS; one machine on its loopback address has no TLS.
# No mail leaves unless CENCOMM_EMAIL_BACKEND names a way: an invitation is a link that its maker hands over.
# Whether browsers preload the host name is for its owner to say.
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W021", "mail.E001"]
if PLAIN_HTTP:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W012", "security.W016"]
SECURE_CSP: dict[str, list[str] | str] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
    # Text becomes markup nowhere but where static/cencomm/trusted.js says; code and addresses of scripts nowhere.
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["default"],
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "cencomm_language" if PLAIN_HTTP else "__Host-cencomm_language"
LANGUAGE_COOKIE_SAMESITE = "Strict"
MESSAGE_STORAGE = "cencomm.notices.NoticeStorage"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]  # nothing out of others' packages
STATIC_ROOT = DATA_DIR / "staticfiles"

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # more than the server takes: no body ever lies on the disk
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]  # nor a part of a form
MAILERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": env("CENCOMM_EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")}
}
if env("CENCOMM_EMAIL_HOST"):  # takes mail over TLS: officers are told what was done to their accounts
    MAILERS["default"] = {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env("CENCOMM_EMAIL_HOST"),
            "port": int(env("CENCOMM_EMAIL_PORT", "587")),
            "username": env("CENCOMM_EMAIL_USER"),
            "password": env("CENCOMM_EMAIL_PASSWORD"),
            "use_tls": True,
            "timeout": 20,
        },
    }
DEFAULT_FROM_EMAIL = env("CENCOMM_EMAIL_FROM", f"cencomm@{first_name(ALLOWED_HOSTS)}")

# Keys: never in an environment variable, always files.
CENCOMM_ROOT_KEY_FILE = Path(env("CENCOMM_ROOT_KEY_FILE_PATH") or DATA_DIR / "keys" / "root.key")
# In place of the file: `pkcs11:token=…?module-path=…&pin-source=FILE` (an HSM) or `transit:https://HOST:PORT/MOUNT/KEY?…`
# (OpenBao, Vault), which never let the key out.
CENCOMM_ROOT_KEY_URI = env("CENCOMM_ROOT_KEY_URI")
CENCOMM_KEY_STORE = Path(env("CENCOMM_KEY_STORE") or DATA_DIR / "keys" / "store")
# The socket of the key agent, which alone uses the three above. Empty: this process reads keys itself.
CENCOMM_KEY_AGENT = env("CENCOMM_KEY_AGENT")
CENCOMM_KEY_RECORD = Path(env("CENCOMM_KEY_RECORD") or CENCOMM_KEY_STORE.parent / "record")
# Signed states of the audit trail, outside the database. Let it lie on another mount, or ship it as it grows.
CENCOMM_AUDIT_CHECKPOINTS = Path(env("CENCOMM_AUDIT_CHECKPOINTS") or DATA_DIR / "audit" / "checkpoints.jsonl")

# How far each group's stream went, outside of the database: tells whether a restored one lost something. Shared by
# all processes; not to be put back from a backup.
CENCOMM_MARKS = Path(env("CENCOMM_MARKS") or DATA_DIR / "marks")

# A folder that this user alone can enter, where web processes of one machine hand each other what they have just
# committed. Empty: each reads it from the database.
CENCOMM_RELAY = env("CENCOMM_RELAY")

# Sealed files that go with messages; shared by all web processes and the worker. The database names what is in it.
CENCOMM_ATTACHMENTS = Path(env("CENCOMM_ATTACHMENTS") or DATA_DIR / "attachments")
# In place of the folder: a bucket of a store that speaks S3, `https://host[:port]/bucket[/prefix]`. The access key
# lies in a file as `aws` keeps it, never in the environment. CA: certificates of an authority of one's own.
CENCOMM_S3_URL = env("CENCOMM_S3_URL")
CENCOMM_S3_CREDENTIALS = env("CENCOMM_S3_CREDENTIALS") or str(DATA_DIR / "s3-credentials")
CENCOMM_S3_REGION = env("CENCOMM_S3_REGION", "us-east-1")
CENCOMM_S3_CA = env("CENCOMM_S3_CA")
# A ClamAV daemon that looks at each of them: `host:port`, or the path of its socket; nobody does without.
CENCOMM_CLAMD = env("CENCOMM_CLAMD")

# Limits that protocol.md and security.md name. Everything is bounded.
CENCOMM_LIMITS = {
    "heartbeat_seconds": int(env("CENCOMM_HEARTBEAT", "20")),
    "message_bytes": 64 * 1024,
    "frame_bytes": 128 * 1024,
    "posts_per_officer_per_minute": int(env("CENCOMM_POSTS_PER_MINUTE", "120")),
    "screenings_per_officer_per_minute": 90,
    "posts_waiting": 1000,  # in one process; past it posts are refused with 503
    "socket_items_per_second": int(env("CENCOMM_SOCKET_ITEMS_PER_SECOND", "50")),
    "sockets_per_officer": 20,
    "socket_queue_bytes": 4 * 1024 * 1024,
    "api_calls_per_minute": int(env("CENCOMM_API_CALLS_PER_MINUTE", "1200")),  # of one officer or token
    "questions_per_minute": int(env("CENCOMM_QUESTIONS_PER_MINUTE", "240")),
    "type_ahead_per_minute": 1200,
    "invitations_per_hour": int(env("CENCOMM_INVITATIONS_PER_HOUR", "60")),
    "attachment_bytes": 200 * 1024 * 1024,
    "piece_bytes": 2 * 1024 * 1024,
    "piece_bytes_least": 64 * 1024,
    "picture_bytes": 30 * 1024 * 1024,
    "picture_pixels": 64_000_000,
    "attachments_per_minute": 30,  # of one officer
    "unsent_bytes_per_officer": 1024 * 1024 * 1024,
    "attachment_bytes_per_group": int(env("CENCOMM_ATTACHMENT_GIB_PER_GROUP", "20")) * 1024**3,
}
# Frames go straight to the server's transports where it is known how; "0" sends them through ASGI alone.
CENCOMM_DIRECT_WRITES = env("CENCOMM_DIRECT_WRITES", "1") != "0"
CENCOMM_VERSION = __version__
CENCOMM_DEMO = env_flag("CENCOMM_DEMO")
# Whether coordinators and administrators must have a passkey ("required"), or may do with an authenticator
# ("offered"): where the demo is loaded, whose invented people have none. `cencomm.checks` refuses it elsewhere.
CENCOMM_PASSKEYS = env("CENCOMM_PASSKEYS") or ("offered" if CENCOMM_DEMO else "required")
# Who reads /metrics shows this; without one there is nothing at that address.
CENCOMM_METRICS_TOKEN = env("CENCOMM_METRICS_TOKEN")
if not CENCOMM_METRICS_TOKEN and (DATA_DIR / "metrics-token").exists():
    CENCOMM_METRICS_TOKEN = (DATA_DIR / "metrics-token").read_text().strip()
# Where the canary enters, as http://127.0.0.1:8000; none is sent without.
CENCOMM_CANARY_URL = env("CENCOMM_CANARY_URL")

PROCRASTINATE_ON_APP_READY = None
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"


def syslog_handler() -> dict[str, dict[str, object]]:
    """Return the handler that ships checkpoints: CENCOMM_AUDIT_SYSLOG is `host:port` (UDP) or a socket's path."""
    where = env("CENCOMM_AUDIT_SYSLOG")
    if not where:
        return {}
    host, _, port = where.rpartition(":")
    return {
        "checkpoints": {
            "class": "logging.handlers.SysLogHandler",
            "address": (host, int(port)) if host and port.isdigit() else where,
        }
    }


# Logs hold identifiers, never content: no request bodies, no SQL, no e-mails of errors with frames' locals.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "cencomm.logs.ReticentFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}} | syslog_handler(),
    # Others' packages tell their frames, rows and headers at DEBUG: that is nobody's to read, whatever was chosen.
    "root": {"handlers": ["console"], "level": env("CENCOMM_LOG_LEVEL", "WARNING").replace("DEBUG", "INFO")},
    "loggers": {
        "cencomm": {"level": env("CENCOMM_LOG_LEVEL", "INFO")},
        "django": {"level": "INFO", "handlers": []},  # no mail to administrators, as Django would have it
        "django.db.backends": {"level": "WARNING"},
        # Each signed state of the audit trail, for a log shipper; nothing without CENCOMM_AUDIT_SYSLOG.
        "cencomm.audit.checkpoints": {"level": "INFO", "propagate": False, "handlers": [*syslog_handler()]},
    },
}
