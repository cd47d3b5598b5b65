"""A TLS client over memory, on the OpenSSL that comes with `cryptography`.

Its bindings (``cryptography.hazmat.bindings.openssl``) are what pyOpenSSL stands on. Here are the few
calls that a probe makes, because pyOpenSSL reads X.509, and to import that takes as long as a fifth of
a whole check. Names in capitals are OpenSSL's own; each function says which of its calls it makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.bindings.openssl.binding import Binding

_lib: Final[Any] = Binding.lib
_ffi: Final[Any] = Binding.ffi

TLS1_VERSION: Final = 0x0301
TLS1_2_VERSION: Final = 0x0303


class TlsError(Exception):
    """OpenSSL gave up. ``reason`` is its own word for why; "unknown" where it has none."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WantReadError(TlsError):
    """OpenSSL can go on once more has been received."""


class ZeroReturnError(TlsError):
    """The peer has ended the connection in order."""


class Watcher:
    """Is told what happens on a connection. Its methods are called from within OpenSSL: what they
    raise would be lost."""

    def alert_received(self, level: int, description: int) -> None:
        """The peer sent an alert (RFC 8446 section 6)."""

    def certificate_requested(self) -> None:
        """The server asked for a client certificate."""

    def secret_made(self, label: bytes, secret: bytes) -> None:
        """A secret by its label in the format of NSS's key log."""


class Context:
    """What connections share (``SSL_CTX``): the versions from ``oldest`` on, the ``ciphers`` up to
    TLS 1.2 and the TLS 1.3 ``suites``, both as `ciphers(1)` writes them. No certificate is verified,
    no session kept, and a server that cannot renegotiate securely is taken as well."""

    def __init__(
        self,
        *,
        oldest: int,
        ciphers: bytes,
        suites: bytes | None = None,
        curve: bytes | None = None,
    ) -> None:
        self._pointer = _ffi.gc(
            _made(_lib.SSL_CTX_new(_lib.TLS_client_method())), _lib.SSL_CTX_free
        )
        _lib.SSL_CTX_set_mode(self._pointer, _lib.SSL_MODE_AUTO_RETRY)
        _lib.SSL_CTX_set_options(self._pointer, _lib.SSL_OP_LEGACY_SERVER_CONNECT)
        _lib.SSL_CTX_set_session_cache_mode(self._pointer, _lib.SSL_SESS_CACHE_OFF)
        _lib.SSL_CTX_set_verify(self._pointer, _lib.SSL_VERIFY_NONE, _ffi.NULL)
        _succeed(_lib.SSL_CTX_set_min_proto_version(self._pointer, oldest))
        _succeed(_lib.SSL_CTX_set_cipher_list(self._pointer, ciphers))
        if suites is not None:
            _succeed(_lib.SSL_CTX_set_ciphersuites(self._pointer, suites))
        if curve is not None:
            key = _made(_lib.EC_KEY_new_by_curve_name(_lib.OBJ_txt2nid(curve)))
            _succeed(_lib.SSL_CTX_set_tmp_ecdh(self._pointer, _ffi.gc(key, _lib.EC_KEY_free)))
        _lib.SSL_CTX_set_info_callback(self._pointer, _ON_INFO)
        _lib.SSL_CTX_set_keylog_callback(self._pointer, _ON_KEY)

    def new_connection(self) -> Any:
        """``SSL_new``, freed with its last reference. Connections keep their context alive."""
        return _ffi.gc(_made(_lib.SSL_new(self._pointer)), _lib.SSL_free)


class Connection:
    """A client's end of a connection (``SSL``). What it sends is had from `to_send`, what was received
    is given to `received`. Must be closed: until then its ``watcher`` is kept."""

    def __init__(
        self, context: Context, watcher: Watcher, *, server_name: str | None, alpn: bytes | None
    ) -> None:
        self._pointer = context.new_connection()
        self._into, self._out = (
            _made(_lib.BIO_new(_lib.BIO_s_mem())),
            _lib.BIO_new(_lib.BIO_s_mem()),
        )
        # It frees both with itself.
        _lib.SSL_set_bio(self._pointer, self._into, _made(self._out))
        _lib.SSL_set_connect_state(self._pointer)
        if server_name is not None:
            _lib.SSL_set_tlsext_host_name(self._pointer, server_name.encode("ascii"))
        if alpn is not None:
            protocols = bytes((len(alpn),)) + alpn
            # This one gives 0 for success.
            if _lib.SSL_set_alpn_protos(self._pointer, protocols, len(protocols)):
                raise TlsError(_reason())
        self._key = _address(self._pointer)
        _WATCHERS[self._key] = watcher

    def close(self) -> None:
        """Forgets the watcher; nothing else is done with the connection."""
        _WATCHERS.pop(self._key, None)

    def do_handshake(self) -> None:
        """``SSL_do_handshake``. Raises WantReadError, TlsError."""
        self._check(_lib.SSL_do_handshake(self._pointer))

    def shutdown(self) -> None:
        """``SSL_shutdown``: prepares the alert close_notify. Raises TlsError."""
        result = _lib.SSL_shutdown(self._pointer)
        if result < 0:
            self._check(result)

    def read(self, size: int) -> bytes:
        """``SSL_read``. Raises WantReadError, ZeroReturnError, TlsError."""
        buffer = _ffi.new("char[]", size)
        result = _lib.SSL_read(self._pointer, buffer, size)
        self._check(result)
        return bytes(_ffi.buffer(buffer, result))

    def received(self, data: bytes) -> None:
        """Takes what the peer has sent."""
        if data and _lib.BIO_write(self._into, data, len(data)) != len(data):
            raise MemoryError

    def to_send(self) -> bytes:
        """All that is to be sent to the peer; empty: nothing."""
        return _taken(self._out)

    def peer_chain(self) -> list[bytes]:
        """The certificates that the server sent, DER (``SSL_get_peer_cert_chain``)."""
        stack = _lib.SSL_get_peer_cert_chain(self._pointer)
        if stack == _ffi.NULL:
            return []
        return [
            _written(_lib.i2d_X509_bio, _lib.sk_X509_value(stack, index))
            for index in range(_lib.sk_X509_num(stack))
        ]

    def client_authorities(self, limit: int) -> list[bytes]:
        """The first ``limit`` names of CAs, DER, whose client certificates the server takes
        (``SSL_get_client_CA_list``)."""
        names = _lib.SSL_get_client_CA_list(self._pointer)
        if names == _ffi.NULL:
            return []
        return [
            _name(_lib.sk_X509_NAME_value(names, index))
            for index in range(min(limit, _lib.sk_X509_NAME_num(names)))
        ]

    def _check(self, result: int) -> None:
        error = _lib.SSL_get_error(self._pointer, result)
        if error == _lib.SSL_ERROR_NONE:
            return
        if error == _lib.SSL_ERROR_WANT_READ:
            raise WantReadError("want read")
        if error == _lib.SSL_ERROR_ZERO_RETURN:
            raise ZeroReturnError("zero return")
        raise TlsError(_reason())


def is_certificate(der: bytes) -> bool:
    """Whether OpenSSL can read a certificate (``d2i_X509_bio``)."""
    bio = _ffi.gc(_made(_lib.BIO_new(_lib.BIO_s_mem())), _lib.BIO_free)
    _lib.BIO_write(bio, der, len(der))
    certificate = _lib.d2i_X509_bio(bio, _ffi.NULL)
    if certificate == _ffi.NULL:
        _lib.ERR_clear_error()
        return False
    _lib.X509_free(certificate)
    return True


def _written(write: Callable[[Any, Any], int], item: Any) -> bytes:
    bio = _ffi.gc(_made(_lib.BIO_new(_lib.BIO_s_mem())), _lib.BIO_free)
    _succeed(write(bio, item))
    return _taken(bio)


def _taken(bio: Any) -> bytes:
    """All that is in a BIO of memory, which is empty then."""
    size = _lib.BIO_get_mem_data(bio, _ffi.new("char **"))
    if size <= 0:
        return b""
    buffer = _ffi.new("char[]", size)
    return bytes(_ffi.buffer(buffer, _lib.BIO_read(bio, buffer, size)))


def _name(name: Any) -> bytes:
    written = _ffi.new("unsigned char **")
    size = _lib.i2d_X509_NAME(name, written)
    if size < 0:
        raise TlsError(_reason())
    try:
        return bytes(_ffi.buffer(written[0], size))
    finally:
        _lib.OPENSSL_free(written[0])


def _made(pointer: Any) -> Any:
    if pointer == _ffi.NULL:
        raise TlsError(_reason())
    return pointer


def _succeed(result: int) -> None:
    if result != 1:
        raise TlsError(_reason())


def _reason() -> str:
    """The first reason in the thread's queue of errors, which is emptied."""
    error = _lib.ERR_get_error()
    _lib.ERR_clear_error()
    text = _lib.ERR_reason_error_string(error) if error else _ffi.NULL
    return "unknown" if text == _ffi.NULL else _ffi.string(text).decode("utf-8", "replace")


def _address(pointer: Any) -> int:
    return int(_ffi.cast("uintptr_t", pointer))


#: By the address of the connection. OpenSSL's callbacks are told no more.
_WATCHERS: Final[dict[int, Watcher]] = {}
_ASKED: Final = b"SSLv3/TLS read server certificate request"
_READ_ALERT: Final = _lib.SSL_CB_READ_ALERT
_CONNECT_LOOP: Final = _lib.SSL_CB_CONNECT_LOOP


@_ffi.callback("void (*)(const SSL *, int, int)")  # type: ignore[untyped-decorator]
def _ON_INFO(connection: Any, where: int, value: int) -> None:  # noqa: N802  a constant for OpenSSL
    if where == _READ_ALERT:
        watcher = _WATCHERS.get(_address(connection))
        if watcher:
            watcher.alert_received(value >> 8, value & 0xFF)
    elif where == _CONNECT_LOOP and _ffi.string(_lib.SSL_state_string_long(connection)) == _ASKED:
        watcher = _WATCHERS.get(_address(connection))
        if watcher:
            watcher.certificate_requested()


@_ffi.callback("void (*)(const SSL *, const char *)")  # type: ignore[untyped-decorator]
def _ON_KEY(connection: Any, line: Any) -> None:  # noqa: N802  a constant for OpenSSL
    label, _, rest = _ffi.string(line).partition(b" ")
    watcher = _WATCHERS.get(_address(connection))
    if watcher:
        watcher.secret_made(label, bytes.fromhex(rest.rpartition(b" ")[2].decode()))
