namespace MambaExt.Reports;

/// <summary>The lines of a file that may be long and may still be written to.</summary>
internal static class JsonLines
{
    /// <summary>Bytes of the longest line; a longer one is passed over as if it could not be read.</summary>
    public const int LongestLine = 1 << 20;

    /// <summary>Calls <paramref name="line"/> with the bytes of each line that is not empty, without its end, and whether it has one.</summary>
    /// <returns>Lines passed over for their length.</returns>
    public static long Read(Stream stream, Action<ReadOnlyMemory<byte>, bool> line)
    {
        byte[] buffer = new byte[LongestLine];
        int held = 0;
        long passed = 0;
        bool skipping = false;
        while (true)
        {
            int read = stream.Read(buffer, held, buffer.Length - held);
            int end = held + read, start = 0;
            for (int at; (at = buffer.AsSpan(start, end - start).IndexOf((byte)'\n')) >= 0; start += at + 1)
            {
                Give(start, at, ended: true);
            }

            if (read == 0)
            {
                Give(start, end - start, ended: false);
                return passed;
            }

            held = end - start;
            if (held == buffer.Length)
            {
                (held, skipping) = (0, true);
            }

            buffer.AsSpan(start == end ? 0 : start, held).CopyTo(buffer);
        }

        void Give(int start, int length, bool ended)
        {
            if (skipping)
            {
                (skipping, passed) = (!ended, passed + 1);
            }
            else if (length > 0)
            {
                line(buffer.AsMemory(start, length), ended);
            }
        }
    }
}
