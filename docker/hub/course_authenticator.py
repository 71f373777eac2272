"""Who may sign up and log in to the hub of a course: NativeAuthenticator, made safe for a class.

- The lecturer's decisions need a POST with JupyterHub's XSRF token. NativeAuthenticator's own routes
  change a student's state on a GET, which any page of the hub's address can send from the lecturer's
  browser, with an image.
- Wrong passwords block only who sends them: counted by name are those of each address, and each
  browser from which the name has logged in before has a count of its own. So nobody can keep another
  one out of a browser that they use, however many addresses they have.
- Sign-ups are limited: a minute's by address, and how many may wait for the lecturer.
"""

import secrets
import time
from collections import defaultdict, deque

from jupyterhub.scopes import needs_scope
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.handlers import (
    DiscardHandler,
    SignUpHandler,
    ToggleAuthorizationHandler,
)
from nativeauthenticator.orm import UserInfo
from tornado import web

MINUTE = 60
BCRYPT_BYTES = 72  # bcrypt refuses a longer password, with an error


class Recent:
    """Counts what happened within the last seconds, by a key; older events are forgotten."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._times = defaultdict(deque)

    def count(self, key):
        self._forget_old()
        return len(self._times.get(key, ()))

    def add(self, key):
        self._times[key].append(time.monotonic())

    def _forget_old(self):
        oldest = time.monotonic() - self.seconds
        for key, times in list(self._times.items()):
            while times and times[0] < oldest:
                times.popleft()
            if not times:
                del self._times[key]


class Authorize(ToggleAuthorizationHandler):
    """POST /hub/authorize/NAME lets a student in, or out again."""

    async def get(self, slug):
        raise web.HTTPError(405)

    @needs_scope("admin:users")
    async def post(self, slug):
        if not self.authenticator.user_exists(slug):
            raise web.HTTPError(404, f"Nobody has signed up as {slug}.")
        await super().get(slug)


class Discard(DiscardHandler):
    """POST /hub/discard/NAME forgets who has signed up and was not let in."""

    async def get(self, user_name):
        raise web.HTTPError(405)

    async def post(self, user_name):
        await super().get(user_name)  # which only the lecturer may


class SignUp(SignUpHandler):
    """/hub/signup, for a limited number."""

    async def post(self):
        self.authenticator.admit_sign_up(self.request.remote_ip)
        await super().post()


class CourseAuthenticator(NativeAuthenticator):
    blocked_for = 10 * MINUTE  # how long a wrong password counts
    tries = 5  # wrong passwords of one browser or address, for one name
    tries_of_strangers = 100  # of all addresses together, for one name; known browsers are not touched
    sign_ups_a_minute = 10  # of one address; a class in a lecture hall may share one
    waiting = 300  # who have signed up and were not let in yet

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.wrong_passwords = Recent(self.blocked_for)
        self.sign_ups = Recent(MINUTE)

    def is_password_strong(self, password):
        return len(password.encode()) <= BCRYPT_BYTES and super().is_password_strong(password)

    def get_handlers(self, app):
        own = [
            (r"/authorize/([^/]*)", Authorize),
            (r"/discard/([^/]*)", Discard),
            (r"/signup", SignUp),
        ]
        replaced = {route for route, _ in own}
        return own + [handler for handler in super().get_handlers(app) if handler[0] not in replaced]

    async def authenticate(self, handler, data):
        name = self.normalize_username(data["username"])
        if len(data["password"].encode()) > BCRYPT_BYTES:
            raise web.HTTPError(400, f"A password has at most {BCRYPT_BYTES} bytes here.")
        if not self.user_exists(name):
            return None
        limits = self._limits(handler, name)
        if any(self.wrong_passwords.count(key) >= most for key, most in limits.items()):
            # An error, and not None: after None the login page checks the password once more.
            raise web.HTTPError(429, f"Too many wrong passwords for {name}: wait {self.blocked_for // MINUTE} minutes.")
        user = await super().authenticate(handler, data)
        if user:
            self._remember_browser(handler, name)
        else:
            for key in limits:
                self.wrong_passwords.add(key)
        return user

    def _limits(self, handler, name):
        """The counts that a wrong password for the name goes into, and how far each may grow."""
        browser = self._known_browser(handler, name)
        if browser:
            return {(name, browser): self.tries}
        return {(name, handler.request.remote_ip): self.tries, name: self.tries_of_strangers}

    # The cookie is signed, holds the name, and no script can read it.
    _cookie = "course-browser"

    def _known_browser(self, handler, name):
        value = handler.get_secure_cookie(self._cookie, max_age_days=365)
        owner, _, browser = (value or b"").decode().rpartition(":")
        return browser if owner == name else ""

    def _remember_browser(self, handler, name):
        if not self._known_browser(handler, name):
            handler.set_secure_cookie(
                self._cookie, f"{name}:{secrets.token_hex(16)}", expires_days=365, path=handler.hub.base_url,
                httponly=True, samesite="Lax", secure=handler.request.protocol == "https",
            )  # fmt: skip

    def admit_sign_up(self, address):
        """Raises an error if nobody more may sign up from the address, and counts who may."""
        if self.sign_ups.count(address) >= self.sign_ups_a_minute:
            raise web.HTTPError(429, "Many have signed up from your network just now: try again in a minute.")
        if self.db.query(UserInfo).filter(~UserInfo.is_authorized).count() >= self.waiting:
            raise web.HTTPError(429, "Too many are waiting to be let in: ask your lecturer.")
        self.sign_ups.add(address)
