

wineregresso
inputseB[
Y
H
measurements86
4ÒS
Akw@“ *ASsBAw SA¼I•@ôÑ+AÙi=AAdím@ßÙNAâ½@5Rş@

x
Nè%?