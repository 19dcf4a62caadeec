// Command client reads with coder/websocket ("coder", "forgets") or gorilla/websocket ("gorilla").
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

func reader(kind, url string) func() ([]byte, error) {
	if kind == "gorilla" {
		dialer := gorilla.Dialer{EnableCompression: true}
		connection, _, err := dialer.Dial(url, nil)
		check(err)
		return func() ([]byte, error) { _, text, err := connection.ReadMessage(); return text, err }
	}
	mode := websocket.CompressionContextTakeover
	if kind == "forgets" {
		mode = websocket.CompressionNoContextTakeover
	}
	connection, _, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{CompressionMode: mode})
	check(err)
	connection.SetReadLimit(-1)
	return func() ([]byte, error) { _, text, err := connection.Read(context.Background()); return text, err }
}

func main() {
	read := reader(os.Args[1], os.Args[2])
	digest, count, first := sha256.New(), 0, -1
	for {
		text, err := read()
		check(err)
		digest.Write(text)
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
		if count%5000 == 0 {
			time.Sleep(300 * time.Millisecond)
		}
	}
	fmt.Println(first, count, hex.EncodeToString(digest.Sum(nil)))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
