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

# Contents of formats that share an extension: extension, what it is, and a text of it.
SHARED_EXTENSIONS = {
    "objective_c": (
        "m",
        "objectivec",
        (
            "#import <Foundation/Foundation.h>\n"
            "\n"
            "@interface Store : NSObject\n"
            "@property (nonatomic, strong) NSString *name;\n"
            "- (void)open:(NSString *)path;\n"
            "@end\n"
            "\n"
            "@implementation Store\n"
            "- (void)open:(NSString *)path {\n"
            '    NSLog(@"open %@", path);\n'
            "}\n"
            "@end\n"
        ),
    ),
    "matlab": (
        "m",
        "matlab",
        (
            "function y = smooth(x, n)\n"
            "% SMOOTH moving average\n"
            "k = ones(1, n) / n;\n"
            "y = conv(x, k, 'same');\n"
            "if nargin < 2\n"
            "    n = 3;\n"
            "end\n"
            "for i = 1:length(x)\n"
            "    y(i) = y(i) * 2;\n"
            "end\n"
            "end\n"
        ),
    ),
    "mathematica": (
        "m",
        "other",
        (
            "(* ::Package:: *)\n"
            'BeginPackage["Store`"]\n'
            'Open::usage = "Open[x] opens x.";\n'
            'Begin["`Private`"]\n'
            "Open[x_] := Module[{y = x}, y /. a -> b]\n"
            "Map[#^2 &, {1, 2, 3}]\n"
            "End[]\n"
            "EndPackage[]\n"
        ),
    ),
    "perl": (
        "pl",
        "perl",
        (
            "use strict;\n"
            "use warnings;\n"
            "my %seen = ();\n"
            "while (my $line = <STDIN>) {\n"
            "    chomp $line;\n"
            "    next if $line =~ /^#/;\n"
            "    $seen{$line}++;\n"
            "}\n"
            'print join(",", keys %seen), "\\n";\n'
        ),
    ),
    "prolog": (
        "pl",
        "prolog",
        (
            ":- module(family, [parent/2]).\n"
            "\n"
            "% facts\n"
            "parent(tom, bob).\n"
            "parent(bob, ann).\n"
            "\n"
            "grandparent(X, Z) :-\n"
            "    parent(X, Y),\n"
            "    parent(Y, Z).\n"
            "\n"
            "?- grandparent(tom, ann).\n"
        ),
    ),
    "typescript": (
        "ts",
        "typescript",
        (
            'import { Reader } from "./reader";\n'
            "\n"
            "export interface Options {\n"
            "  depth?: number;\n"
            "}\n"
            "\n"
            "export class Walker implements Reader {\n"
            "  private seen: Map<string, number> = new Map();\n"
            "}\n"
        ),
    ),
    "qt": (
        "ts",
        "xml",
        (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            "<!DOCTYPE TS>\n"
            '<TS version="2.1" language="de_DE">\n'
            "<context>\n"
            "    <name>MainWindow</name>\n"
            "    <message>\n"
            "        <source>Open</source>\n"
            "        <translation>Öffnen</translation>\n"
            "    </message>\n"
            "</context>\n"
            "</TS>\n"
        ),
    ),
    "qt_without_prologue": (
        "ts",
        "xml",
        (
            "<!DOCTYPE TS><TS>\n"
            "<context>\n"
            "    <name>MainWindow</name>\n"
            "    <message>\n"
            "        <source>Open</source>\n"
            "        <translation>Öffnen</translation>\n"
            "    </message>\n"
            "</context>\n"
            "</TS>\n"
        ),
    ),
    "latex": (
        "cls",
        "latex",
        (
            "\\NeedsTeXFormat{LaTeX2e}\n"
            "\\ProvidesClass{thesis}[2020/01/01 Thesis class]\n"
            "\\LoadClass[a4paper]{book}\n"
            "\\RequirePackage{geometry}\n"
            "\\newcommand{\\supervisor}[1]{\\def\\@supervisor{#1}}\n"
        ),
    ),
    "visual_basic": (
        "cls",
        "visualbasic",
        (
            "VERSION 1.0 CLASS\n"
            "BEGIN\n"
            "  MultiUse = -1\n"
            "END\n"
            'Attribute VB_Name = "Store"\n'
            "Option Explicit\n"
            "Private mName As String\n"
            "\n"
            "Public Property Get Name() As String\n"
            "    Name = mName\n"
            "End Property\n"
            "\n"
            "Public Sub Opened(ByVal path As String)\n"
            "    Dim i As Integer\n"
            "End Sub\n"
        ),
    ),
    "apex": (
        "cls",
        "other",
        (
            "public with sharing class AccountService {\n"
            "    @AuraEnabled(cacheable=true)\n"
            "    public static List<Account> load(Id ownerId) {\n"
            "        List<Account> found = [SELECT Id FROM Account WHERE OwnerId = :ownerId];\n"
            "        for (Account a : found) {\n"
            "            a.Name = String.valueOf(a.Id);\n"
            "        }\n"
            "        update found;\n"
            "        return found;\n"
            "    }\n"
            "}\n"
        ),
    ),
    "verilog": (
        "v",
        "verilog",
        (
            "module counter(input clk, input rst, output reg [7:0] q);\n"
            "  always @(posedge clk) begin\n"
            "    if (rst)\n"
            "      q <= 8'b0;\n"
            "    else\n"
            "      q <= q + 1;\n"
            "  end\n"
            "endmodule\n"
        ),
    ),
    "coq": (
        "v",
        "other",
        (
            "Require Import Arith.\n"
            "\n"
            "Theorem plus_n_O : forall n : nat, n = n + 0.\n"
            "Proof.\n"
            "  intros n. induction n as [| n IH].\n"
            "  - reflexivity.\n"
            "  - simpl. rewrite <- IH. reflexivity.\n"
            "Qed.\n"
            "\n"
            "Inductive tree : Type :=\n"
            "  | leaf : tree\n"
            "  | node : tree -> tree -> tree.\n"
        ),
    ),
    "v": (
        "v",
        "other",
        (
            "module main\n"
            "\n"
            "import os\n"
            "\n"
            "struct Store {\n"
            "mut:\n"
            "\tname string\n"
            "}\n"
            "\n"
            "fn (mut s Store) open(path string) !string {\n"
            "\tdata := os.read_file(path) or { return err }\n"
            "\treturn data\n"
            "}\n"
            "\n"
            "fn main() {\n"
            "\tmut s := Store{}\n"
            "\tprintln(s.open('a')!)\n"
            "}\n"
        ),
    ),
    "c": (
        "h",
        "c",
        (
            "#ifndef A_H\n"
            "#define A_H\n"
            "#include <stdio.h>\n"
            "\n"
            "typedef struct store {\n"
            "    char *name;\n"
            "    int size;\n"
            "} store_t;\n"
            "\n"
            "int store_open(store_t *s, const char *path);\n"
            "void store_close(store_t *s);\n"
            "\n"
            "#endif\n"
        ),
    ),
    "cpp": (
        "h",
        "cpp",
        (
            "#pragma once\n"
            "#include <string>\n"
            "#include <vector>\n"
            "\n"
            "namespace store {\n"
            "\n"
            "template <typename T>\n"
            "class List {\n"
            " public:\n"
            "  virtual ~List() = default;\n"
            "  void push(const T& value);\n"
            " private:\n"
            "  std::vector<T> items_;\n"
            "};\n"
            "\n"
            "}\n"
        ),
    ),
    "objective_c_header": (
        "h",
        "objectivec",
        (
            "#import <UIKit/UIKit.h>\n"
            "\n"
            "NS_ASSUME_NONNULL_BEGIN\n"
            "\n"
            "@interface Store : NSObject <Reader>\n"
            "@property (nonatomic, copy) NSString *name;\n"
            "- (instancetype)initWithName:(NSString *)name;\n"
            "+ (Store *)shared;\n"
            "@end\n"
            "\n"
            "NS_ASSUME_NONNULL_END\n"
        ),
    ),
}
