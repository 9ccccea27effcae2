// The shortest honest app beside xzepr-bridge, with nothing but Go's standard library.
//
//	go run app.go        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

var workAPI = setting("WORK_API_URL", "http://127.0.0.1:8900")

// It is beside us: a transport of our own lets no proxy of the environment lie between.
var bridge = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

type object map[string]any

type xzeprEvent struct {
	Name    string
	Success *bool
}

// Your work. What it returns is reported as details; its error is reported as failed.
func work(event xzeprEvent) (object, error) {
	if event.Success != nil && !*event.Success {
		return nil, fmt.Errorf("%s did not succeed", event.Name)
	}
	return object{"handled": event.Name}, nil
}

// The work-id header comes percent-encoded: it goes into a path as it is.
func report(workID, what string, body object) error {
	url := workAPI + "/work/" + workID + "/" + what
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	response, err := bridge.Post(url, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode > 299 {
		err = fmt.Errorf("POST %s: %s %s", url, response.Status, answer)
	}
	return err
}

func deliver(workID string, event xzeprEvent) error {
	if err := report(workID, "started", object{}); err != nil {
		return err
	}
	details, err := work(event)
	if err != nil {
		return report(workID, "failed", object{"error": err.Error()})
	}
	return report(workID, "completed", object{"details": details})
}

func receive(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // Broken off: nobody waits for an answer.
	}
	var event xzeprEvent
	workID := request.Header.Get("work-id")
	// 4xx: never again, nobody can read it. 503: the bridge could not be told, so it delivers the event again.
	if err := json.Unmarshal(body, &event); err != nil || workID == "" {
		log.Printf("not an event with a work-id: %v", err)
		response.WriteHeader(http.StatusBadRequest)
	} else if err := deliver(workID, event); err != nil {
		log.Print(err)
		response.WriteHeader(http.StatusServiceUnavailable)
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	// On loopback: the bridge is beside us, and nobody else is meant to call.
	listener, err := net.Listen("tcp", "127.0.0.1:"+setting("PORT", "8080"))
	if err != nil {
		log.Fatal(err)
	}
	term, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	http.HandleFunc("POST /events", receive)
	server := &http.Server{}
	go server.Serve(listener)
	fmt.Printf("listening on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	<-term.Done()
	// Takes no new event, finishes those in hand; what is cut off all the same comes again.
	server.Shutdown(context.Background())
}
