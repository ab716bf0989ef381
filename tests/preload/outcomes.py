"""Prints name and outcome of each test in a JUnit file of regrtest, separated by a tab."""

import sys
import xml.etree.ElementTree

for test in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    outcomes = [
        "%s (%s)" % (what.tag, " ".join((what.text or "").split())) if what.tag == "skipped" else what.tag
        for what in test
        if what.tag in ("skipped", "failure", "error")
    ]
    print("%s\t%s" % (" ".join(test.get("name").split()), ", ".join(outcomes) or "passed"))
