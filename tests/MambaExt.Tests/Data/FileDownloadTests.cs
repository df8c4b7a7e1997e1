using System.Net.Http;
using System.Security.Cryptography;
using MambaExt.Data;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Data;

public sealed class FileDownloadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly byte[] _content = RandomNumberGenerator.GetBytes(300_000);

    private string Target => Path.Combine(_folder.Path, "set", "a.bin");

    private string Partial => Target + ".partial";

    public void Dispose()
    {
        _client.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_file_comes_whole_and_a_second_call_asks_for_nothing()
    {
        using FileServer server = Server();
        Assert.True(await Get(server));
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
        Assert.False(await Get(server));
        Assert.Equal(["a.bin 0"], server.Requests);
        Assert.Equal([Target], Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Cut_connections_are_resumed_where_they_broke()
    {
        using FileServer server = Server();
        server.Cuts.Enqueue(100_000);
        server.Cuts.Enqueue(70_000);
        var seen = new List<long>();
        Assert.True(await Get(server, progress: new Told(seen.Add)));
        Assert.Equal(["a.bin 0", "a.bin 100000", "a.bin 170000"], server.Requests);
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
        Assert.Equal(seen.Order(), seen);
        Assert.Equal(300_000, seen[^1]);
    }

    [Fact]
    public async Task What_an_earlier_call_left_is_resumed()
    {
        using FileServer server = Server();
        Leave(_content[..123_456]);
        Assert.True(await Get(server));
        Assert.Equal(["a.bin 123456"], server.Requests);
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_is_whole_already_only_gets_its_name()
    {
        using FileServer server = Server();
        Leave(_content);
        Assert.True(await Get(server));
        Assert.Empty(server.Requests);
        Assert.False(File.Exists(Partial));
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(300_000)]
    [InlineData(400_000)]
    public async Task A_start_that_belongs_to_another_file_is_given_up(int length)
    {
        using FileServer server = Server();
        Leave(new byte[length]);
        Assert.True(await Get(server));
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
        Assert.Equal("a.bin 0", server.Requests.Last());
    }

    [Fact]
    public async Task Without_a_published_hash_an_old_start_is_not_trusted()
    {
        using FileServer server = Server();
        Leave(new byte[1000]);
        Assert.True(await Get(server, hash: false));
        Assert.Equal(["a.bin 0"], server.Requests);
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_server_without_ranges_is_asked_again_from_the_start()
    {
        using FileServer server = Server(ranges: false);
        server.Cuts.Enqueue(200_000);
        Assert.True(await Get(server));
        Assert.Equal(["a.bin 0", "a.bin 200000"], server.Requests);
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_part_that_was_not_asked_for_is_not_glued_on()
    {
        using var server = new FileServer { WrongStart = 5 };
        server.Files["a.bin"] = _content;
        server.Cuts.Enqueue(1000);
        Assert.True(await Get(server));
        Assert.Equal(_content, await File.ReadAllBytesAsync(Target, TestContext.Current.CancellationToken));
        Assert.Equal(["a.bin 0", "a.bin 1000", "a.bin 0"], server.Requests);
    }

    [Fact]
    public async Task Another_file_of_the_same_length_is_refused_and_leaves_nothing()
    {
        using FileServer server = Server();
        byte[] other = (byte[])_content.Clone();
        other[^1] ^= 1;
        server.Files["a.bin"] = other;
        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => Get(server));
        Says(error, "a.bin", "SHA-256", Hash(other), Hash(_content));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_longer_file_is_stopped_at_the_published_length()
    {
        using FileServer server = Server();
        server.Files["a.bin"] = [.. _content, 1];
        Says(await Assert.ThrowsAsync<InvalidDataException>(() => Get(server)), "more than the 300000 bytes");
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_shorter_file_is_refused()
    {
        using FileServer server = Server();
        server.Files["a.bin"] = _content[..^1];
        Says(await Assert.ThrowsAsync<IOException>(() => Get(server)), "a.bin", "299999 bytes");
        Assert.False(File.Exists(Target));
    }

    [Fact]
    public async Task A_missing_file_is_said_at_once_and_a_busy_server_is_asked_again()
    {
        using FileServer server = Server();
        server.Statuses.Enqueue(404);
        Says(await Assert.ThrowsAsync<IOException>(() => Get(server)), "the server answers 404", "by hand");
        Assert.Single(server.Requests);
        server.Statuses.Enqueue(503);
        server.Statuses.Enqueue(429);
        Assert.True(await Get(server));
        Assert.Equal(4, server.Requests.Count);
    }

    [Fact]
    public async Task No_network_and_a_silent_server_are_answered_by_a_sentence()
    {
        var gone = new FileServer();
        Uri address = gone.Address("a.bin");
        gone.Dispose();
        var file = new PublishedFile("a.bin", null, Hash(_content), address);
        Says(await Assert.ThrowsAsync<IOException>(() => Download().GetAsync(file, Target)), "cannot be downloaded", "check the network");
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));

        using var silent = new FileServer { Silent = true };
        silent.Files["a.bin"] = _content;
        var options = new DownloadOptions { Attempts = 2, Pause = TimeSpan.Zero, Silence = TimeSpan.FromMilliseconds(300) };
        Says(
            await Assert.ThrowsAsync<IOException>(() => new FileDownload(_client, options).GetAsync(Published(silent), Target)), "nothing came for 0.3 seconds");
    }

    [Fact]
    public async Task An_interruption_keeps_what_has_come()
    {
        using var silent = new FileServer { Silent = true };
        silent.Files["a.bin"] = _content;
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Download().GetAsync(
            Published(silent), Target, new Told(bytes => _ = bytes >= 150_000 ? stop.CancelAsync() : Task.CompletedTask), stop.Token));
        Assert.Equal(_content[..150_000], await File.ReadAllBytesAsync(Partial, TestContext.Current.CancellationToken));
        using FileServer server = Server();
        Assert.True(await Get(server));
        Assert.Equal(["a.bin 150000"], server.Requests);
    }

    [Fact]
    public async Task A_file_that_is_there_and_differs_is_left_alone()
    {
        using FileServer server = Server();
        Leave(_content);
        File.Move(Partial, Target);
        await File.AppendAllTextAsync(Target, "x", TestContext.Current.CancellationToken);
        Says(await Assert.ThrowsAsync<InvalidDataException>(() => Get(server)), Target, "300001 bytes", "move it away");
        Assert.Equal(300_001, new FileInfo(Target).Length);
        Assert.Empty(server.Requests);
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static void Says(Exception error, params string[] mentions)
    {
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.All(mentions, mention => Assert.Contains(mention, error.Message, StringComparison.Ordinal));
    }

    private FileServer Server(bool ranges = true)
    {
        var server = new FileServer { Ranges = ranges };
        server.Files["a.bin"] = _content;
        return server;
    }

    private void Leave(byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Partial)!);
        File.WriteAllBytes(Partial, bytes);
    }

    private FileDownload Download() => new(_client, new DownloadOptions { Attempts = 3, Pause = TimeSpan.FromMilliseconds(1) });

    private PublishedFile Published(FileServer server, bool hash = true) => new("a.bin", hash ? 300_000 : null, hash ? Hash(_content) : null, server.Address("a.bin"));

    private Task<bool> Get(FileServer server, bool hash = true, IProgress<long>? progress = null) =>
        Download().GetAsync(Published(server, hash), Target, progress, TestContext.Current.CancellationToken);

    private sealed class Told(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
