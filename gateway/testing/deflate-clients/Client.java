import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The WebSocket of java.net.http, which offers no extension. */
public class Client implements WebSocket.Listener {
  private final MessageDigest digest = MessageDigest.getInstance("SHA-256");
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private final StringBuilder text = new StringBuilder();
  private String first;
  private int count;

  private Client() throws Exception {}

  @Override
  public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean isLast) {
    text.append(data);
    if (isLast) {
      var whole = text.toString();
      text.setLength(0);
      digest.update((whole + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
      count++;
      if (first == null) first = whole.replaceAll(".*\"n\":(\\d+).*", "$1");
      if (whole.contains("\"last\":true")) done.complete(null);
    }
    socket.request(1);
    return null;
  }

  @Override
  public void onError(WebSocket socket, Throwable error) {
    done.completeExceptionally(error);
  }

  public static void main(String[] arguments) throws Exception {
    var client = new Client();
    HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(arguments[0]), client).join();
    client.done.join();
    System.out.println(client.first + " " + client.count + " " + HexFormat.of().formatHex(client.digest.digest()));
    System.exit(0);
  }
}
