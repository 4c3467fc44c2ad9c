package bacs

import (
	"strings"
	"time"

	"github.com/ccr-sdk/ccr"
)

// NameHints is what the name of a report file seems to say. Everything here
// is inferred from one example that the vendor publishes,
// 123456-01012024-2013-123456789.xml, whose content does not match its name:
// use it to sort files, never to decide what a report is. [Parse] reads the
// kind from the XML.
type NameHints struct {
	ServiceUser string   // the first part: the service user number. Inferred.
	Date        ccr.Date // DDMMYYYY; the example cannot rule out MMDDYYYY, nor tell which day it is. Inferred.
	TypeNumber  string   // the number of the report type: the example and its content agree. Inferred.
	Kind        Kind     // what TypeNumber stands for, if known; other bureaus number differently. Inferred.
	Serial      string   // a number that makes the name unique. Inferred.
}

// ParseName splits the name of a report file; a path in front is dropped. It
// reports false if the name is not of the known form, and no hints then.
func ParseName(name string) (NameHints, bool) {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[:i]
	}
	parts := strings.Split(name, "-")
	if len(parts) != 4 {
		return NameHints{}, false
	}
	for _, p := range parts {
		if !digits(p) {
			return NameHints{}, false
		}
	}
	if len(parts[0]) != 6 || len(parts[1]) != 8 || len(parts[2]) != 4 {
		return NameHints{}, false
	}
	h := NameHints{ServiceUser: parts[0], TypeNumber: parts[2], Kind: KindOfType(parts[2]), Serial: parts[3]}
	day, err := time.Parse("02012006", parts[1])
	if err != nil {
		return NameHints{}, false
	}
	h.Date = ccr.DateOf(day)
	return h, true
}

// KindOfType returns the kind that a report type number stands for, written
// with or without REFT in front: 2013 or REFT2013 is Input. It is KindUnknown
// for numbers without public evidence. It is a hint: one bureau labels ARUDD
// files 1016 whose content says REFT1019.
func KindOfType(number string) Kind {
	switch strings.TrimPrefix(number, "REFT") {
	case "2013":
		return KindInput
	case "1016", "1019":
		return KindARUDD
	case "1027", "1028":
		return KindARUCS
	case "7001":
		return KindADDACS
	case "7002":
		return KindAUDDIS
	case "7003":
		return KindAUDACC
	case "7004":
		return KindAUDREJ
	}
	return KindUnknown
}
