package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// usage is what a process has taken.
type usage struct {
	resident     int64 // bytes in memory now
	residentPeak int64
	cpu          time.Duration
}

// ticksPerSecond is Linux's unit of processor time towards programs, the same
// on every architecture that Go runs on.
const ticksPerSecond = 100

// usageOf asks the kernel. Only Linux answers in this form.
func usageOf(pid int) (usage, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	return parseUsage(status, stat)
}

func parseUsage(status, stat []byte) (u usage, err error) {
	if u.resident, err = kilobytes(status, "VmRSS:"); err != nil {
		return usage{}, err
	}
	if u.residentPeak, err = kilobytes(status, "VmHWM:"); err != nil {
		return usage{}, err
	}
	// The name, in parentheses, may hold anything; user and system time are the
	// 12th and 13th of what follows it.
	_, after, found := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(") "))
	fields := bytes.Fields(after)
	if !found || len(fields) < 13 {
		return usage{}, errors.New("no processor time in /proc/pid/stat")
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return usage{}, err
		}
		u.cpu += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	return u, nil
}

func kilobytes(status []byte, key string) (int64, error) {
	_, after, found := bytes.Cut(status, []byte(key))
	fields := bytes.Fields(after)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("no %s in /proc/pid/status", key)
	}
	value, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return value << 10, err
}

// machineBusy is the time that all processors of the machine have worked, for
// whomever. Only Linux tells it in this form.
func machineBusy() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(stat)
}

// busyFields are those of /proc/stat that are work: user, nice, system and two
// kinds of interrupts. The others are waiting, and what other machines took.
var busyFields = []int{1, 2, 3, 6, 7}

func parseBusy(stat []byte) (busy time.Duration, err error) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 8 || string(fields[0]) != "cpu" {
		return 0, errors.New("no processor time in /proc/stat")
	}
	for _, i := range busyFields {
		ticks, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, err
		}
		busy += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	return busy, nil
}
