"""OpenSSL's TLS client over memory, by the bindings that `cryptography` is built on.

pyOpenSSL wraps the same bindings, and all of X.509 with them: to import it took a quarter of what a
whole ``whichroot check`` takes. What a probe needs of it is this page. The names are OpenSSL's
(``man 3 ssl``), and all of them are in use by pyOpenSSL, too.
"""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.bindings._rust import _openssl

_ffi: Final = _openssl.ffi
_lib: Final = _openssl.lib

TLS1: Final[int] = _lib.TLS1_VERSION
TLS12: Final[int] = _lib.TLS1_2_VERSION

_FATAL, _WARNING, _CLOSE_NOTIFY = 2, 1, 0
_ALERT_REASONS: Final = range(1000, 1256)
"""Reasons of errors that are alerts of the peer's (``SSL_AD_REASON_OFFSET``)."""
_NO_COMPRESSED_CERTIFICATES: Final = 1 << 33
"""``SSL_OP_NO_RX_CERTIFICATE_COMPRESSION``: `bot.probe.flight` reads certificates as they are sent."""
_CHUNK: Final = 4096
_SERVER_SECRET: Final = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"


class TlsError(Exception):
    """OpenSSL gives up; the text is its reason."""


class ClosedError(TlsError):
    """The peer has closed the connection with an alert."""


class ClientContext:
    """What connections have in common. Nothing is verified and no session is kept.

    ``minimum`` is a version, ``ciphers``, ``suites`` (of TLS 1.3) and ``groups`` are lists as
    OpenSSL writes them; None leaves what OpenSSL has.
    """

    def __init__(
        self,
        *,
        minimum: int,
        ciphers: bytes,
        suites: bytes | None = None,
        groups: bytes | None = None,
    ) -> None:
        self.handle = _ffi.gc(_lib.SSL_CTX_new(_lib.TLS_client_method()), _lib.SSL_CTX_free)
        _lib.SSL_CTX_set_options(
            self.handle, _lib.SSL_OP_LEGACY_SERVER_CONNECT | _NO_COMPRESSED_CERTIFICATES
        )
        _lib.SSL_CTX_set_session_cache_mode(self.handle, _lib.SSL_SESS_CACHE_OFF)
        _must(_lib.SSL_CTX_set_min_proto_version(self.handle, minimum))
        _must(_lib.SSL_CTX_set_cipher_list(self.handle, ciphers))
        if suites is not None:
            _must(_lib.SSL_CTX_set_ciphersuites(self.handle, suites))
        if groups is not None:
            _must(_lib.SSL_CTX_set1_curves_list(self.handle, groups))
        _lib.SSL_CTX_set_keylog_callback(self.handle, _on_key)


class Client:
    """One connection: bytes from the peer go in by `feed`, bytes for it come out of `take`.

    ``alerts`` are the peer's that ended something, (level, description); ``secret`` is a TLS 1.3
    server's handshake traffic secret, empty while there is none. To be closed in the end.
    """

    def __init__(self, context: ClientContext, server_name: str | None, alpn: bytes | None) -> None:
        self.alerts: list[tuple[int, int]] = []
        self.secret = b""
        self._context = context
        self._ssl = _lib.SSL_new(context.handle)
        self._incoming = _lib.BIO_new(_lib.BIO_s_mem())
        self._outgoing = _lib.BIO_new(_lib.BIO_s_mem())
        # Both belong to the connection from here on, and end with it.
        _lib.SSL_set_bio(self._ssl, self._incoming, self._outgoing)
        _lib.SSL_set_connect_state(self._ssl)
        if server_name is not None:
            _lib.SSL_set_tlsext_host_name(self._ssl, server_name.encode("ascii"))
        if alpn is not None:
            # The one function of these that gives 0 when it succeeds.
            protocols = bytes([len(alpn)]) + alpn
            _must(_lib.SSL_set_alpn_protos(self._ssl, protocols, len(protocols)) == 0)
        open_clients[self._ssl] = self

    def close(self) -> None:
        """Gives back what the connection holds; nothing else may be asked of it afterwards."""
        del open_clients[self._ssl]
        _lib.SSL_free(self._ssl)

    def shake_hands(self) -> bool:
        """Whether the handshake is complete; False: the peer has to say more. Raises TlsError."""
        _lib.ERR_clear_error()
        return self._went_on(_lib.SSL_do_handshake(self._ssl))

    def read(self) -> bool:
        """Whether application data has come; False: none yet. Raises TlsError."""
        _lib.ERR_clear_error()
        return self._went_on(_lib.SSL_read(self._ssl, _ffi.new("char[1]"), 1))

    def say_goodbye(self) -> None:
        """Closes the connection in TLS: an alert for the peer."""
        _lib.ERR_clear_error()
        _lib.SSL_shutdown(self._ssl)

    def feed(self, data: bytes) -> None:
        """Takes what the peer has sent."""
        _lib.BIO_write(self._incoming, data, len(data))

    def take(self) -> bytes:
        """What is to be sent to the peer."""
        buffer = _uncleared("char[]", _CHUNK)
        taken = b""
        while (size := _lib.BIO_read(self._outgoing, buffer, _CHUNK)) > 0:
            taken += _ffi.buffer(buffer, size)[:]
        return taken

    def _went_on(self, result: int) -> bool:
        if result > 0:
            return True
        kind = _lib.SSL_get_error(self._ssl, result)
        if kind == _lib.SSL_ERROR_WANT_READ:
            return False
        if kind == _lib.SSL_ERROR_ZERO_RETURN:
            self.alerts.append((_WARNING, _CLOSE_NOTIFY))
            raise ClosedError("unknown")
        code = _lib.ERR_get_error()
        if (reason := _lib.ERR_GET_REASON(code)) in _ALERT_REASONS:
            self.alerts.append((_FATAL, reason - _ALERT_REASONS.start))
        raise _error(code)


#: The connections that are not closed yet, by the address that callbacks name.
open_clients: Final[dict[Any, Client]] = {}

_uncleared: Final = _ffi.new_allocator(should_clear_after_alloc=False)


# cffi's decorators have no types.
@_ffi.callback("void (*)(const SSL *, const char *)")  # type: ignore[untyped-decorator]
def _on_key(ssl: Any, line: Any) -> None:
    """A line as key logs have them: a label, the client's random number, the secret."""
    label, _, rest = _ffi.string(line).partition(b" ")
    if label == _SERVER_SECRET:
        open_clients[ssl].secret = bytes.fromhex(rest.rpartition(b" ")[2].decode())


def can_read_certificate(der: bytes) -> bool:
    """Whether OpenSSL can read a certificate."""
    octets = _ffi.from_buffer(der)
    source = _ffi.gc(_lib.BIO_new_mem_buf(octets, len(der)), _lib.BIO_free)
    certificate = _lib.d2i_X509_bio(source, _ffi.NULL)
    _lib.ERR_clear_error()
    if certificate == _ffi.NULL:
        return False
    _lib.X509_free(certificate)
    return True


def _must(result: int) -> None:
    if result != 1:
        raise _error(_lib.ERR_get_error())


def _error(code: int) -> TlsError:
    text = _lib.ERR_reason_error_string(code)
    _lib.ERR_clear_error()
    return TlsError(_ffi.string(text).decode() if text else "unknown")
