// Command client reads with coder/websocket ("coder", "forgets") or gorilla/websocket ("gorilla"). Arguments: KIND URL STEP.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

type connection struct {
	read  func() ([]byte, error)
	send  func(text string) error
	close func()
}

func dial(kind, url string) connection {
	if kind == "gorilla" {
		dialer := gorilla.Dialer{EnableCompression: true}
		socket, _, err := dialer.Dial(url, nil)
		check(err)
		return connection{
			func() ([]byte, error) { _, text, err := socket.ReadMessage(); return text, err },
			func(text string) error { return socket.WriteMessage(gorilla.TextMessage, []byte(text)) },
			func() { _ = socket.Close() },
		}
	}
	mode := websocket.CompressionContextTakeover
	if kind == "forgets" {
		mode = websocket.CompressionNoContextTakeover
	}
	always := context.Background()
	socket, _, err := websocket.Dial(always, url, &websocket.DialOptions{CompressionMode: mode})
	check(err)
	socket.SetReadLimit(-1)
	return connection{
		func() ([]byte, error) { _, text, err := socket.Read(always); return text, err },
		func(text string) error { return socket.Write(always, websocket.MessageText, []byte(text)) },
		func() { _ = socket.CloseNow() },
	}
}

var cursorOf = regexp.MustCompile(`"cursor":"([^"]+)"`)

func main() {
	kind, url := os.Args[1], os.Args[2]
	step, err := strconv.Atoi(os.Args[3])
	check(err)
	socket := dial(kind, url)
	digest, count, first := sha256.New(), 0, -1
	for {
		text, err := socket.read()
		check(err)
		if !bytes.HasPrefix(text, []byte(`{"Event-Name"`)) {
			continue
		}
		if tail := bytes.LastIndex(text, []byte(`,"_firehose":`)); tail < 0 {
			digest.Write(text)
		} else {
			digest.Write(text[:tail])
			digest.Write([]byte("}"))
		}
		digest.Write([]byte("\n"))
		count++
		var event struct {
			N    int  `json:"n"`
			Last bool `json:"last"`
		}
		check(json.Unmarshal(text, &event))
		if first < 0 {
			first = event.N
		}
		if event.Last {
			break
		}
		if count%step > 0 {
			continue
		}
		cursor := cursorOf.FindSubmatch(text)
		if cursor != nil && count/step%4 == 3 {
			socket.close()
			socket = dial(kind, url+"&cursor="+string(cursor[1]))
			continue
		}
		if cursor != nil {
			accounts := `["account_id_1"]`
			if count/step%2 == 0 {
				accounts = "null"
			}
			check(socket.send(`{"filter":{"accounts":` + accounts + `,"events":null}}`))
		}
		time.Sleep(300 * time.Millisecond)
	}
	fmt.Println(first, count, hex.EncodeToString(digest.Sum(nil)))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
