"""Drives the official SDK: reads steps from stdin, prints what each returned or raised.

A step is [operation, arguments]. The answer holds one object for each: {"returned": …} or
{"raised": class name, "response": what an APIError carries}.
"""

import contextlib
import json
import sys

from ltiaas import (
    HTMLFragmentContentItem,
    LineItem,
    LTIAASLaunch,
    LTIResourceLinkContentItem,
    Score,
)


def plain(value):
    """A result of the SDK as JSON can hold it."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    return json.loads(value.to_json())


def content_items():
    return [
        LTIResourceLinkContentItem(title="Quiz", custom={"level": 3}),
        HTMLFragmentContentItem(html="<p>é</p>"),
    ]


def operations(launch):
    return {
        "get_id_token": launch.get_id_token,
        "get_raw_id_token": launch.get_raw_id_token,
        "build_deep_linking_form": lambda **options: launch.build_deep_linking_form(
            content_items(), **options
        ),
        "build_deep_linking_form_components": lambda **options: (
            launch.build_deep_linking_form_components(content_items(), **options)
        ),
        "get_memberships": launch.get_memberships,
        "get_line_items": launch.get_line_items,
        "create_line_item": lambda **item: launch.create_line_item(LineItem(**item)),
        "get_line_item": launch.get_line_item,
        "update_line_item": lambda id, **item: launch.update_line_item(
            id, LineItem(**item)
        ),
        "delete_line_item": launch.delete_line_item,
        "get_scores": launch.get_scores,
        "submit_score": lambda line_item_id, **score: launch.submit_score(
            line_item_id, Score(**score)
        ),
    }


def attempt(operation, arguments):
    try:
        return {"returned": plain(operation(**arguments))}
    except Exception as error:  # whatever escapes the SDK is what the test is about
        response = getattr(error, "response", None)
        return {
            "raised": type(error).__name__,
            "text": str(error),
            "response": plain(response),
        }


def main():
    task = json.load(sys.stdin)
    known = operations(LTIAASLaunch(**task["launch"]))
    # The SDK prints results of its own accord.
    with contextlib.redirect_stdout(sys.stderr):
        answers = [attempt(known[name], arguments) for name, arguments in task["steps"]]
    json.dump(answers, sys.stdout)


main()
