"""Stub, replaced by the accounts part."""


class _Pass:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)


class OfficerSessionMiddleware(_Pass): ...


class OfficerLocaleMiddleware(_Pass): ...


class SecondFactorRequiredMiddleware(_Pass): ...
