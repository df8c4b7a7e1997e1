using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace MambaExt.Data;

/// <summary>The part of a file that has come so far, with its running hash.</summary>
internal sealed class PartialDownload : IDisposable
{
    private readonly PublishedFile file;
    private readonly FileStream stream;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly long limit;
    private EntityTagHeaderValue? tag;
    private long? announced;

    public PartialDownload(string path, PublishedFile file, long limit)
    {
        this.file = file;
        this.limit = file.Bytes ?? limit;
        stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16);

        // Without a published hash nobody would notice that two versions were glued together.
        if (!IsVerifiable || stream.Length > this.limit)
        {
            stream.SetLength(0);
        }

        byte[] buffer = new byte[1 << 16];
        for (int got; (got = stream.Read(buffer)) > 0;)
        {
            hash.AppendData(buffer, 0, got);
        }
    }

    public long Length => stream.Length;

    public bool IsVerifiable => file.Sha256 is not null;

    /// <summary>True where the server, or who published the file, has said that there is more.</summary>
    public bool IsShort => Length < (file.Bytes ?? announced ?? 0);

    /// <summary>Asks for the rest; the tag makes a server that has another version by now send all of that.</summary>
    public HttpRequestMessage Request(Uri address)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (Length > 0 && (IsVerifiable || tag is { IsWeak: false }))
        {
            request.Headers.Range = new RangeHeaderValue(Length, null);
            if (tag is { IsWeak: false })
            {
                request.Headers.IfRange = new RangeConditionHeaderValue(tag);
            }
        }

        return request;
    }

    /// <summary>Takes note of what the answer holds, and starts over where it is all; false where it is some other part.</summary>
    public bool Accept(HttpResponseMessage response)
    {
        bool isPart = response.StatusCode == HttpStatusCode.PartialContent;
        if (!isPart || response.Content.Headers.ContentRange?.From != Length)
        {
            Restart();
        }

        tag = response.Headers.ETag;
        announced = Length + response.Content.Headers.ContentLength;
        return !isPart || response.Content.Headers.ContentRange?.From == Length;
    }

    public void Append(ReadOnlySpan<byte> bytes, Uri address)
    {
        if (Length + bytes.Length > limit)
        {
            Discard();
            throw new InvalidDataException($"{address} sends more than the {limit} bytes {(file.Bytes is null ? "that are allowed" : "of the published file")}; nothing was kept, so put the published {file.Name} into the data folder by hand.");
        }

        stream.Write(bytes);
        hash.AppendData(bytes);
    }

    public void Restart()
    {
        stream.SetLength(0);
        hash.GetHashAndReset();
    }

    /// <summary>What distinguishes this from the published file, in words; null where nothing does.</summary>
    public string? Difference()
    {
        string found = Convert.ToHexStringLower(hash.GetCurrentHash());
        return file.Bytes is { } bytes && Length != bytes ? $"{Length} bytes instead of {bytes}"
            : file.Sha256 is { } wanted && found != wanted ? $"SHA-256 {found} instead of {wanted}"
            : null;
    }

    /// <summary>All is there: it must reach the disk before it gets its name.</summary>
    public void Keep() => stream.Flush(flushToDisk: true);

    /// <summary>It is of no use to a later attempt.</summary>
    public void Discard()
    {
        stream.Dispose();
        File.Delete(stream.Name);
    }

    public void Dispose()
    {
        // Closed after a Discard; empty, and so of no use, where no server was reached.
        bool isEmpty = stream.CanRead && stream.Length == 0 && file.Bytes != 0;
        stream.Dispose();
        if (isEmpty)
        {
            File.Delete(stream.Name);
        }

        hash.Dispose();
    }
}
