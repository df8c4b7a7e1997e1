using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MambaExt.Tests.Shared;

/// <summary>A server of files on this machine that misbehaves as it is told: cut connections, no ranges, other answers, silence.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();

    public FileServer()
    {
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    /// <summary>Content by name.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new();

    /// <summary>Each request: its name, a blank, and the first byte that was asked for.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Whether it sends parts; else always all.</summary>
    public bool Ranges { get; init; } = true;

    /// <summary>How many bytes of the next answers are sent before their connection is cut; an empty queue cuts none.</summary>
    public ConcurrentQueue<int> Cuts { get; } = new();

    /// <summary>Status codes of the next answers, instead of a file.</summary>
    public ConcurrentQueue<int> Statuses { get; } = new();

    /// <summary>Sends the head of an answer and half of its body, and then nothing more.</summary>
    public bool Silent { get; init; }

    /// <summary>Shifts the part that is sent, as a broken cache might.</summary>
    public int WrongStart { get; init; }

    public Uri Root => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    public Uri Address(string name) => new(Root, name);

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = Task.Run(() => AnswerAsync(client));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                string name = (await reader.ReadLineAsync())!.Split(' ')[1].TrimStart('/');
                int first = 0;
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                {
                    if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                    {
                        first = int.Parse(line.Split('=')[1].Split('-')[0], CultureInfo.InvariantCulture);
                    }
                }

                Requests.Enqueue($"{name} {first}");
                await SendAsync(stream, name, first);
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
            {
                // The other side has gone.
            }
        }
    }

    private async Task SendAsync(NetworkStream stream, string name, int first)
    {
        int status = Statuses.TryDequeue(out int given) ? given : Files.ContainsKey(name) ? 200 : 404;
        byte[] file = status == 200 ? Files[name] : [];
        string range = "";
        if (status == 200 && first > 0 && Ranges)
        {
            status = first < file.Length ? 206 : 416;
            first += WrongStart;
            range = status == 206 ? $"Content-Range: bytes {first}-{file.Length - 1}/{file.Length}\r\n" : "";
            file = status == 206 ? file[first..] : [];
        }

        string head = $"HTTP/1.1 {status} Answer\r\nContent-Length: {file.Length}\r\nETag: \"{file.Length}\"\r\n{range}Connection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        int count = Silent ? file.Length / 2 : Cuts.TryDequeue(out int cut) ? Math.Min(cut, file.Length) : file.Length;
        await stream.WriteAsync(file.AsMemory(0, count));
        if (Silent)
        {
            await Task.Delay(Timeout.Infinite, _stop.Token);
        }
    }
}
