//go:build unix

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// childMain is a command for `optest exec` to run.
func childMain() {
	if err := runChild(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(99)
	}
}

func runChild(args []string) error {
	if len(args) == 0 {
		return errors.New("no task")
	}
	switch task, args := args[0], args[1:]; task {
	case "env": // NAME...
		for _, name := range args {
			fmt.Printf("%s=%s\n", name, os.Getenv(name))
		}
		return nil
	case "exit": // CODE
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "die": // SIGNAL
		signal.Reset()
		if err := syscall.Kill(os.Getpid(), signals[args[0]]); err != nil {
			return err
		}
		select {} // until the signal is delivered
	case "trap": // SIGNAL CODE
		got := make(chan os.Signal, 1)
		signal.Notify(got, signals[args[0]])
		fmt.Println("ready")
		fmt.Println("got", <-got)
		code, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "code": // PROGRAM ARGS...: prints the code that the program ends with
		return printCode(args)
	case "files": // DIR
		entries, err := os.ReadDir(args[0])
		for _, e := range entries {
			fmt.Println(e.Name())
		}
		return err
	case "cat":
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	case "copy": // by gRPC over TLS with the roots of the environment
		return copyFromDesktop(args[0])
	}
	return fmt.Errorf("unknown task %q", args)
}

func printCode(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	fmt.Println(cmd.ProcessState.ExitCode())
	return nil
}

func copyFromDesktop(desktop string) error {
	conn, err := grpc.NewClient(os.Getenv("OPTEST_ADDR"), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})))
	if err != nil {
		return err
	}
	defer conn.Close()
	op, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(context.Background(),
		&clouddesktop.CopyFromDesktopRequest{DesktopId: desktop})
	if err != nil {
		return err
	}
	fmt.Println("operation", op.GetId())
	return nil
}
