using System.Net;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>
/// Downloads a published file. It grows beside its place under the suffix <c>.partial</c>, goes on where an earlier attempt was cut
/// (HTTP ranges, RFC 9110, section 14), and is renamed only when length and SHA-256 are the published ones. What a cut or an
/// interruption leaves is kept for the next call; what turns out to be another file is deleted.
/// </summary>
/// <param name="client">Sends the requests; its own time limit should be infinite</param>
/// <param name="options">Patience</param>
public sealed class FileDownload(HttpClient client, DownloadOptions? options = null)
{
    private readonly DownloadOptions options = options ?? new DownloadOptions();

    /// <summary>Fetches <paramref name="file"/> to <paramref name="path"/>.</summary>
    /// <param name="file">With an address</param>
    /// <param name="path">Where it is to lie; folders are made</param>
    /// <param name="progress">Told how many bytes are there</param>
    /// <param name="token">Stops; what has come is kept</param>
    /// <returns>False where the file lay there before.</returns>
    /// <exception cref="InvalidDataException">What was sent, or lies there, is not the published file.</exception>
    /// <exception cref="IOException">The server cannot be reached or does not send the file.</exception>
    public async Task<bool> GetAsync(PublishedFile file, string path, IProgress<long>? progress = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (File.Exists(path))
        {
            ThrowIfOther(file, path);
            return false;
        }

        Uri address = file.Address ?? throw new ArgumentException($"{file.Name} cannot be downloaded from anywhere; put it to '{path}' by hand.", nameof(file));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using (var partial = new PartialDownload(path + PartialFile.Suffix, file, options.Limit))
        {
            bool resumed = partial.Length > 0;
            await Fill(partial, address, progress, token).ConfigureAwait(false);
            if (partial.Difference() is { } difference && resumed)
            {
                // An older attempt may have left the start of another version.
                partial.Restart();
                await Fill(partial, address, progress, token).ConfigureAwait(false);
            }

            if (partial.Difference() is { } other)
            {
                partial.Discard();
                throw new InvalidDataException($"{address} sent a file of {other}; nothing was kept, so try again later or put the published {file.Name} to '{path}' by hand.");
            }

            partial.Keep();
        }

        File.Move(path + PartialFile.Suffix, path);
        return true;
    }

    private async Task Fill(PartialDownload partial, Uri address, IProgress<long>? progress, CancellationToken token)
    {
        // Progress is what no attempt has had before: a server that begins anew each time would keep this going for ever.
        long most = partial.Length;

        // An interruption may have come between the last byte and the new name.
        for (int failed = 0; !(partial.IsVerifiable && partial.Length > 0 && partial.Difference() is null);)
        {
            string failure;
            try
            {
                if (await Attempt(partial, address, progress, token).ConfigureAwait(false))
                {
                    return;
                }

                failure = $"the connection was cut after {partial.Length} bytes";
            }
            catch (Exception error) when (error is HttpRequestException or HttpIOException || (error is OperationCanceledException && !token.IsCancellationRequested))
            {
                // Worth another try: no connection, a cut one, a silent one, or a server that is busy.
                failure = error is OperationCanceledException ? $"nothing came for {options.Silence.TotalSeconds} seconds" : Reason(error);
                if (error is HttpRequestException { StatusCode: { } status } && !IsPassing(status))
                {
                    throw new IOException($"{address} cannot be downloaded ({failure}); check the address, or put the file into the data folder by hand.", error);
                }
            }

            failed = partial.Length > most ? 1 : failed + 1;
            most = Math.Max(most, partial.Length);
            if (failed >= options.Attempts)
            {
                throw new IOException($"{address} cannot be downloaded ({failure}); check the network and try again, which goes on where this stopped, or put the file into the data folder by hand.");
            }

            await Task.Delay(options.Pause * Math.Pow(2, failed - 1), token).ConfigureAwait(false);
        }
    }

    /// <summary>True where the server sent all that it announced.</summary>
    private async Task<bool> Attempt(PartialDownload partial, Uri address, IProgress<long>? progress, CancellationToken token)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(token);
        silence.CancelAfter(options.Silence);
        using HttpRequestMessage request = partial.Request(address);
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && partial.Length > 0)
        {
            partial.Restart();
            return false;
        }

        response.EnsureSuccessStatusCode();
        if (!partial.Accept(response))
        {
            return false;
        }

        using Stream content = await response.Content.ReadAsStreamAsync(silence.Token).ConfigureAwait(false);
        byte[] buffer = new byte[1 << 16];
        while (true)
        {
            silence.CancelAfter(options.Silence);
            int got = await content.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
            if (got == 0)
            {
                return !partial.IsShort;
            }

            partial.Append(buffer.AsSpan(0, got), address);
            progress?.Report(partial.Length);
        }
    }

    private static bool IsPassing(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500;

    private static string Reason(Exception error) => error is HttpRequestException { StatusCode: { } status }
        ? $"the server answers {(int)status}"
        : error.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd('.');

    private static void ThrowIfOther(PublishedFile file, string path)
    {
        using FileStream there = File.OpenRead(path);
        if (file.Bytes is { } bytes && there.Length != bytes)
        {
            throw new InvalidDataException($"'{path}' has {there.Length} bytes and the published file {bytes}; move it away to download the published one.");
        }

        if (file.Sha256 is { } hash && Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(there)) is var found && found != hash)
        {
            throw new InvalidDataException($"'{path}' has SHA-256 {found} and the published file {hash}; move it away to download the published one.");
        }
    }
}
