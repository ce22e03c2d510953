"""Short, plain texts of many kinds."""

CODE = {
    "python": (
        "import os\nfrom pathlib import Path\n\n\nclass Store:\n    def __init__(self, root):\n"
        "        self.root = Path(root)\n\n    def names(self):\n"
        "        return [name for name in os.listdir(self.root) if not name.startswith('.')]\n"
    ),
    "javascript": (
        "const fs = require('fs');\n\nmodule.exports = function read(path, done) {\n"
        "  fs.readFile(path, function (error, data) {\n    if (error) return done(error);\n"
        "    done(null, data.toString());\n  });\n};\n"
    ),
    "typescript": (
        "import { Reader } from './reader';\n\nexport interface Options {\n  depth?: number;\n"
        "  name: string;\n}\n\nexport class Walker implements Reader {\n"
        "  private readonly seen: Map<string, number> = new Map();\n\n"
        "  visit(path: string, options: Options): boolean {\n"
        "    return this.seen.has(path) && options.depth !== undefined;\n  }\n}\n"
    ),
    "go": (
        'package store\n\nimport (\n\t"errors"\n\t"os"\n)\n\nvar ErrGone = errors.New("gone")\n\n'
        "func (s *Store) Read(name string) ([]byte, error) {\n\tdata, err := os.ReadFile(name)\n"
        "\tif err != nil {\n\t\treturn nil, ErrGone\n\t}\n\treturn data, nil\n}\n"
    ),
    "rust": (
        "use std::collections::HashMap;\n\n#[derive(Debug, Clone)]\npub struct Store {\n"
        "    seen: HashMap<String, usize>,\n}\n\nimpl Store {\n"
        "    pub fn visit(&mut self, name: &str) -> Option<usize> {\n"
        "        let mut count = self.seen.get(name).copied()?;\n        count += 1;\n"
        "        self.seen.insert(name.to_string(), count);\n        Some(count)\n    }\n}\n"
    ),
    "java": (
        "package org.example.store;\n\nimport java.util.HashMap;\nimport java.util.Map;\n\n"
        "public final class Store {\n    private final Map<String, Integer> seen = new HashMap<>();"
        "\n\n    @Override\n    public String toString() {\n"
        '        return "Store" + seen.size();\n    }\n}\n'
    ),
    "c": (
        "#include <stdio.h>\n#include <stdlib.h>\n\nstatic int count;\n\n"
        "int main(int argc, char **argv)\n{\n\tchar *buffer = malloc(64);\n\tif (buffer == NULL)\n"
        '\t\treturn 1;\n\tprintf("%s %d\\n", argv[0], count);\n\tfree(buffer);\n\treturn 0;\n}\n'
    ),
    "cpp": (
        "#include <string>\n#include <vector>\n\nnamespace store {\n\ntemplate <typename T>\n"
        "class List {\n public:\n  void push(const T& value) { items_.push_back(value); }\n"
        "  std::string name() const { return name_; }\n\n private:\n  std::vector<T> items_;\n"
        "  std::string name_;\n};\n\n}  // namespace store\n"
    ),
    "ruby": (
        "require 'json'\n\nmodule Store\n  class Reader\n    attr_reader :path\n\n"
        "    def initialize(path)\n      @path = path\n    end\n\n    def each\n"
        "      JSON.parse(File.read(path)).each do |name|\n        yield name unless name.nil?\n"
        "      end\n    end\n  end\nend\n"
    ),
    "shell": (
        "#!/usr/bin/env bash\nset -euo pipefail\n\nfor name in *.txt; do\n"
        '  if [ -f "$name" ]; then\n    echo "$name" | sed -e \'s/a/b/\'\n  fi\ndone\n'
    ),
}

PLAIN_SIGNS = {
    "json": '{"name": "store", "files": ["a", "b"], "private": true}\n',
    "jsonl": '{"id": 1, "text": "one"}\n{"id": 2, "text": "two"}\n{"id": 3, "text": "three"}\n',
    "xml": '<?xml version="1.0"?>\n<store><file name="a"/><file name="b"/></store>\n',
    "html": "<!DOCTYPE html>\n<html><head><title>Store</title></head><body></body></html>\n",
    "php": "<?php\nfunction read($path) {\n    return file_get_contents($path);\n}\n",
    "pem": "-----BEGIN CERTIFICATE-----\nMIIBszCCARygAwIBAgIJAJ\n-----END CERTIFICATE-----\n",
    "diff": "--- a/store.py\n+++ b/store.py\n@@ -1,2 +1,2 @@\n-import os\n+import sys\n x = 1\n",
    "ini": "[store]\npath = /var/lib/store\n; a comment\nowner = nobody\n\n[log]\nlevel = low\n",
    "toml": '[store]\npath = "/var/lib/store"\nsize = 12\n\n[[file]]\nname = "a"\nkeep = true\n',
    "dockerfile": 'FROM debian:12 AS base\nRUN apt-get update\nCOPY . /app\nCMD ["/app/run"]\n',
    "latex": "\\documentclass{article}\n\\begin{document}\nA store of files.\n\\end{document}\n",
    "csv": "".join(f"{n},name {n},{n * n}\n" for n in range(12)),
    "subtitles": "WEBVTT\n\n00:01.000 --> 00:04.000\nNever drink liquid nitrogen.\n",
    "perl": "#!/usr/bin/perl -w\nuse strict;\nmy %seen = ();\nprint join(',', keys %seen);\n",
    "po": 'msgid ""\nmsgstr ""\n\nmsgid "Read"\nmsgstr "Lire"\n',
    "markdown": "# Store\n\nRead:\n\n```python\nimport store\nstore.read()\n```\n\nThat is it.\n",
}

PROSE = {
    "en": (
        "Files that nobody has asked for in a year are moved to the archive, and the people who "
        "own them are told about it. If you would like to keep one of them, open it once."
    ),
    "fr": (
        "Les fichiers que personne n'a demandés depuis un an sont déplacés dans les archives, et "
        "les personnes qui les possèdent en sont averties. Si vous voulez en garder un, ouvrez-le."
    ),
    "es": (
        "Los archivos que nadie ha pedido en un año se trasladan al archivo, y se avisa a las "
        "personas que los poseen. Si quiere conservar uno de ellos, ábralo una vez por lo menos."
    ),
    "de": (
        "Dateien, nach denen seit einem Jahr niemand gefragt hat, werden in das Archiv verschoben, "
        "und die Eigentümer werden darüber unterrichtet. Wenn Sie eine behalten wollen, öffnen Sie "
        "sie."
    ),
    "ru": (
        "Файлы, которые никто не запрашивал в течение года, перемещаются в архив, и их владельцы "
        "об этом узнают. Если вы хотите сохранить один из них, откройте его хотя бы один раз."
    ),
    "zh": (
        "一年内没有人使用的文件会被移动到存档中，"
        "并且会通知它们的所有者。如果您想保留其中一个，请打开它。"
    ),
    "ja": (
        "一年間だれも使わなかったファイルは保管庫に移され、"
        "その持ち主に知らされます。残したいときは開いてください。"
    ),
    "ko": (
        "일 년 동안 아무도 사용하지 않은 파일은 보관소로 옮겨지고 "
        "소유자에게 알려집니다. 남기고 싶으면 여십시오."
    ),
    "el": "Τα αρχεία που κανείς δεν ζήτησε για έναν χρόνο μεταφέρονται στο αρχείο και το λένε.",
}
