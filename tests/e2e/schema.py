# SPDX-License-Identifier: BSD-2-Clause
"""schema.py SCHEMA FILE...: validates JSON documents, or lines of JSON (.ndjson), with a library that knows nothing of kflight.

schema.py --breaks SCHEMA FILE: the document fits, and none of many broken ones does.
"""
import copy
import json
import sys

from jsonschema import Draft202012Validator


def documents(name):
    with open(name, encoding="utf-8") as file:
        return [json.loads(line) for line in file] if name.endswith(".ndjson") else [json.load(file)]


def load(name):
    with open(name, encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def validate(validator, names):
    count = 0
    for name in names:
        for number, document in enumerate(documents(name), 1):
            for error in validator.iter_errors(document):
                sys.exit(f"{name}, document {number}, at {list(error.absolute_path)}: {error.message[:300]}")
            count += 1
    print(count)


def free_names(schema):
    """Objects that may have any keys: counts by name."""
    if isinstance(schema, list):
        return set().union(*map(free_names, schema))
    if not isinstance(schema, dict):
        return set()
    names = {name for name, what in schema.items() if isinstance(what, dict) and isinstance(what.get("additionalProperties"), dict)}
    return names.union(*map(free_names, schema.values()))


def places(value, path=()):
    """All objects inside of a document, of each list the first element only."""
    if isinstance(value, dict):
        yield path
        for key in value:
            yield from places(value[key], path + (key,))
    elif isinstance(value, list) and value:
        yield from places(value[0], path + (0,))


def at(document, path):
    for step in path:
        document = document[step]
    return document


def broken(document, free_keys):
    """Copies with one fault each: a key gone, a key too many, a value of another type."""
    for path in places(document):
        free = path and path[-1] in free_keys
        for key in list(at(document, path)):
            if not free:
                copied = copy.deepcopy(document)
                del at(copied, path)[key]
                yield f"without {path + (key,)}", copied
            copied = copy.deepcopy(document)
            at(copied, path)[key] = {"not": "this"} if not isinstance(at(document, path)[key], dict) else 1
            yield f"with another type at {path + (key,)}", copied
        if not free:
            copied = copy.deepcopy(document)
            at(copied, path)["surplus"] = 1
            yield f"with one more key at {path}", copied


def breaks(validator, name):
    document = max(documents(name), key=lambda d: len(json.dumps(d)))
    validate(Draft202012Validator(validator.schema), [name])
    count = 0
    for what, copied in broken(document, free_names(validator.schema)):
        if validator.is_valid(copied):
            sys.exit(f"{name} {what} is still valid")
        count += 1
    print(count)


if sys.argv[1] == "--breaks":
    breaks(load(sys.argv[2]), sys.argv[3])
else:
    validate(load(sys.argv[1]), sys.argv[2:])
